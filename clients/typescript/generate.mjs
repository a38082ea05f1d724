// Makes src/api.ts from the service's OpenAPI document: what can be asked, and what comes back.
//
//   node generate.mjs OPENAPI.json [FILE]
//
// A failure is always a problem document and headers are read by the client, so neither stands at each operation again.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const [source, target = new URL("src/api.ts", import.meta.url)] = process.argv.slice(2);
const document = JSON.parse(readFileSync(source, "utf8"));
for (const item of Object.values(document.paths)) {
  for (const operation of Object.values(item)) {
    if (!operation.responses) continue;
    operation.responses = Object.fromEntries(Object.entries(operation.responses).filter(([status]) => status.startsWith("2")));
    for (const response of Object.values(operation.responses)) delete response.headers;
    operation.parameters = (operation.parameters ?? []).filter((one) => one.in !== "header" && !one.$ref?.match(/If-|Idempotency-Key/));
    for (const one of operation.parameters) {
      // The conditions on the fields are optional, whatever the list of them says.
      if (one.name === "filters") one.required = false;
    }
  }
}
for (const part of ["headers", "parameters", "responses"]) delete document.components[part];
const text = astToString(await openapiTS(document, { alphabetize: true, defaultNonNullable: false }));
writeFileSync(target, `// Made by generate.mjs from the service's OpenAPI document; do not edit.\n${text}`);
