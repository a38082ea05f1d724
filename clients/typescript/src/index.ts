/**
 * A Chartroom, with the types of its OpenAPI document.
 *
 *     const chartroom = new Chartroom({ url, token });
 *     for await (const project of chartroom.list("/api/v1/projects")) console.log(project.name);
 */

import createClient, { type FetchResponse, type MaybeOptionalInit } from "openapi-fetch";

import type { components, paths } from "./api.js";
import { sender, type Token } from "./send.js";

export type * from "./api.js";
export * from "./problem.js";
export type Schemas = components["schemas"];

type Method = "get" | "put" | "post" | "patch" | "delete";
type With<M extends Method> = { [P in keyof paths]: paths[P] extends { [K in M]: Record<string, unknown> } ? P : never }[keyof paths];
type Init<P extends keyof paths, M extends Method> = MaybeOptionalInit<paths[P], M>;
type Arguments<P extends keyof paths, M extends Method> = undefined extends Init<P, M> ? [init?: Init<P, M> & Extra] : [init: Init<P, M> & Extra];
type Answer<P extends keyof paths, M extends Method> = M extends keyof paths[P]
  ? paths[P][M] extends Record<string | number, unknown>
    ? NonNullable<FetchResponse<paths[P][M], object, `${string}/${string}`>["data"]>
    : never
  : never;
type Item<P extends With<"get">> = Answer<P, "get"> extends { items: (infer T)[] } ? T : never;
type Lists = { [P in With<"get">]: Answer<P, "get"> extends { items: unknown[] } ? P : never }[With<"get">];

interface Extra {
  /** What was read: it is changed only if nobody else has changed it since. `PreconditionFailed` says that somebody has. */
  unlessChanged?: object;
  /** With the same key again it happens once. Without one each call has its own. */
  key?: string;
}

export interface Options {
  /** `CHARTROOM_URL` unless told. */
  url?: string;
  /** Or a function that gives it, which is asked for each request. `CHARTROOM_TOKEN` unless told. */
  token?: Token;
}

export class Chartroom {
  readonly #client;
  readonly #etags = new WeakMap<object, string>();

  constructor(options: Options = {}) {
    const environment = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};
    const url = options.url ?? environment["CHARTROOM_URL"];
    const token = options.token ?? environment["CHARTROOM_TOKEN"];
    if (!url) throw new TypeError("no service to ask: pass url, or set CHARTROOM_URL");
    if (!token) throw new TypeError("no token: pass token, or set CHARTROOM_TOKEN");
    this.#client = createClient<paths>({ baseUrl: url.replace(/\/+$/, ""), fetch: sender(token) });
  }

  get<P extends With<"get">>(path: P, ...rest: Arguments<P, "get">): Promise<Answer<P, "get">> {
    return this.#ask("get", path, rest[0]);
  }

  post<P extends With<"post">>(path: P, ...rest: Arguments<P, "post">): Promise<Answer<P, "post">> {
    return this.#ask("post", path, rest[0]);
  }

  put<P extends With<"put">>(path: P, ...rest: Arguments<P, "put">): Promise<Answer<P, "put">> {
    return this.#ask("put", path, rest[0]);
  }

  /** Members that the body has are changed, those that are null are emptied, all others stay. */
  patch<P extends With<"patch">>(path: P, ...rest: Arguments<P, "patch">): Promise<Answer<P, "patch">> {
    return this.#ask("patch", path, rest[0]);
  }

  delete<P extends With<"delete">>(path: P, ...rest: Arguments<P, "delete">): Promise<Answer<P, "delete">> {
    return this.#ask("delete", path, rest[0]);
  }

  /** Everything that a list has, page after page. */
  async *list<P extends Lists>(path: P, ...rest: Arguments<P, "get">): AsyncGenerator<Item<P>, void, undefined> {
    const init = (rest[0] ?? {}) as { params?: { query?: object } };
    let cursor: string | null | undefined;
    do {
      const query = { ...init.params?.query, ...(cursor ? { cursor } : {}) };
      const asked = { ...init, params: { ...init.params, query } };
      const page = (await this.#ask("get", path, asked)) as unknown as { items: Item<P>[]; next?: string | null };
      yield* page.items;
      cursor = page.next;
    } while (cursor);
  }

  async #ask<P extends keyof paths, M extends Method>(method: M, path: P, init: (object & Extra) | undefined): Promise<Answer<P, M>> {
    const { unlessChanged, key, ...rest } = init ?? {};
    const headers: Record<string, string> = { ...(rest as { headers?: Record<string, string> }).headers };
    if (key !== undefined) headers["Idempotency-Key"] = `"${key}"`;
    if (unlessChanged !== undefined) {
      const etag = this.#etags.get(unlessChanged);
      if (etag === undefined) throw new TypeError("unlessChanged: expected what get, put or patch gave; items of a list have no ETag");
      headers["If-Match"] = etag;
    }
    // Path and init are judged by the types of the method that was called.
    const ask = this.#client.request as unknown as (method: string, path: string, init: object) => Promise<{ data?: unknown; response: Response }>;
    const { data, response } = await ask(method, path, { ...rest, headers });
    const etag = response.headers.get("ETag");
    if (etag !== null && typeof data === "object" && data !== null) this.#etags.set(data, etag);
    return data as Answer<P, M>;
  }
}
