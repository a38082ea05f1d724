/** Uses the package as a program would, against a service that runs: tour.js URL TOKEN [--wrong]. Last line: N passed, N failed. */

import assert from "node:assert/strict";
import { createServer as createHttp, type Server } from "node:http";
import { connect, createServer as createTcp, type AddressInfo } from "node:net";

import * as chartroom from "chartroom";
import { Chartroom } from "chartroom";

const [url = "", token = "", ...options] = process.argv.slice(2);
const suffix = crypto.randomUUID().slice(0, 8);
const asking = new Chartroom({ url, token });
const CSV = "race,year,income\nWhite,2009,39618\nAsian,2009,44653\nWhite,2019,45361\nAsian,2019,52128\n";

async function refused<T extends Error>(kind: new (...given: never[]) => T, action: Promise<unknown>): Promise<T> {
  const error = await action.then(() => assert.fail(`expected ${kind.name}`), (error: unknown) => error);
  assert.equal((error as Error).constructor, kind, String(error));
  return error as T;
}

type Said = [status: number, headers: Record<string, string>, body: object];

/** A service that says what it is told to, once each, and then 200; and what it was asked. */
async function answering(answers: Said[], use: (url: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server: Server = createHttp((request, response) => {
    request.resume().on("end", () => {
      asked.push(`${request.method} ${request.headers["idempotency-key"] ?? "-"}`);
      const [status, headers, body] = answers.shift() ?? [200, {}, {}];
      response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A way to the service on which the first answers are lost: the service has done what it was asked, and nobody hears of it. */
async function cutting(cuts: number, use: (url: string, lost: () => number) => Promise<void>): Promise<void> {
  let lost = 0;
  const { hostname, port } = new URL(url);
  const server = createTcp((client) => {
    const service = connect(Number(port), hostname);
    client.on("error", () => service.destroy()).pipe(service);
    service.on("error", () => client.destroy()).on("data", (part) => {
      if (lost < cuts) {
        lost += 1;
        client.destroy();
        service.destroy();
      } else client.write(part);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => lost);
  } finally {
    server.close();
  }
}

const steps: Record<string, () => Promise<void>> = {
  async "projects are made, listed, changed and deleted"() {
    const names = [...Array(5).keys()].map((number) => `tour ${suffix} ${number}`);
    for (const name of names) await asking.post("/api/v1/projects", { body: { name } });
    const found: chartroom.Schemas["Project"][] = [];
    const query = { limit: 2, name__contains: `tour ${suffix}` };
    for await (const project of asking.list("/api/v1/projects", { params: { query } })) found.push(project);
    assert.deepEqual(found.map((one) => one.name).sort(), options.includes("--wrong") ? ["something else"] : names);
    for (const { id } of found) await asking.delete("/api/v1/projects/{id}", { params: { path: { id } } });
    await refused(chartroom.NotFound, asking.get("/api/v1/projects/{id}", { params: { path: { id: found[0]?.id ?? "" } } }));
  },

  async "a change that crosses another is refused and nothing is lost"() {
    const { id } = await asking.post("/api/v1/projects", { body: { name: `crossing ${suffix}` } });
    const params = { path: { id } };
    const mine = await asking.get("/api/v1/projects/{id}", { params });
    const theirs = await asking.get("/api/v1/projects/{id}", { params });
    const saved = await asking.patch("/api/v1/projects/{id}", { params, body: { description: "theirs" }, unlessChanged: theirs });
    await refused(
      chartroom.PreconditionFailed,
      asking.patch("/api/v1/projects/{id}", { params, body: { description: "mine" }, unlessChanged: mine }),
    );
    const again = await asking.patch("/api/v1/projects/{id}", { params, body: { description: null }, unlessChanged: saved });
    assert.equal(again.description, null);
    await asking.delete("/api/v1/projects/{id}", { params, unlessChanged: again });
  },

  async "every failure has its class"() {
    const wrong = await refused(chartroom.Invalid, asking.post("/api/v1/projects", { body: { name: "" } }));
    assert.equal(wrong.errors[0]?.pointer, "/name");
    assert.match(wrong.message, /\/name/);
    await refused(chartroom.Unauthenticated, new Chartroom({ url, token: "nobody's" }).get("/api/v1/me"));
    await answering([[429, { "Retry-After": "3600" }, { code: "too-many-requests" }]], async (url) => {
      const later = await refused(chartroom.TooManyRequests, new Chartroom({ url, token: "x" }).get("/api/v1/me"));
      assert.equal(later.retryAfter, 3600);
    });
    await refused(chartroom.Unreachable, new Chartroom({ url: "http://127.0.0.1:1", token: "x" }).get("/api/v1/me"));
  },

  async "what is safe is sent again and nothing else"() {
    const busy: Said = [503, { "Retry-After": "0" }, { code: "overloaded" }];
    const unknown: Said = [503, { "Retry-After": "0" }, { code: "outcome-unknown" }];
    const patch = (url: string) =>
      new Chartroom({ url, token: "x" }).patch("/api/v1/posts/{id}", { params: { path: { id: "1" } }, body: {} });
    await answering([busy, unknown], async (url, asked) => {
      await new Chartroom({ url, token: "x" }).post("/api/v1/projects", { body: { name: "a" } });
      assert.equal(asked.length, 3);
      assert.equal(new Set(asked).size, 1);
      assert.notEqual(asked[0], "POST -");
    });
    await answering([busy], async (url, asked) => {
      await patch(url);
      assert.equal(asked.length, 2);
    });
    await answering([unknown], async (url, asked) => {
      await refused(chartroom.Unavailable, patch(url));
      assert.equal(asked.length, 1);
    });
  },

  async "a lost answer makes nothing twice"() {
    const name = `once ${suffix}`;
    await cutting(2, async (url, lost) => {
      const { id } = await new Chartroom({ url, token }).post("/api/v1/projects", { body: { name } });
      assert.equal(lost(), 2);
      const found: string[] = [];
      for await (const project of asking.list("/api/v1/projects", { params: { query: { name } } })) found.push(project.id);
      assert.deepEqual(found, [id]);
      await asking.delete("/api/v1/projects/{id}", { params: { path: { id } } });
    });
  },

  async "a file goes in and is compared"() {
    const project = await asking.post("/api/v1/projects", { body: { name: `census ${suffix}` } });
    const dataset = await asking.post("/api/v1/datasets", { body: { name: "income", project_id: project.id } });
    const path = { id: dataset.id };
    const loaded = await asking.post("/api/v1/datasets/{id}/imports", {
      params: { path }, body: CSV, headers: { "Content-Type": "text/csv" }, bodySerializer: (text) => text,
    });
    assert.equal(loaded.rows_written, 4);
    const query = { by: "race", groups: "White,Asian", measures: "income", period: "year", at: "2019", base: "2009" };
    const compared = await asking.get("/api/v1/datasets/{id}/compare", { params: { path, query } });
    if (typeof compared === "string") assert.fail("expected JSON");
    assert.deepEqual(compared.measures[0]?.values.map((one) => [one.group, one.value]), [["White", 45361], ["Asian", 52128]]);
    await asking.delete("/api/v1/projects/{id}", { params: { path: { id: project.id } } });
  },
};

let passed = 0;
let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}`);
    console.error(error);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
