/** A `fetch` that says who asks, sends again what is safe to send again, and throws what the service refuses. */

import { NOTHING_DONE, Unreachable, problem, type Problem } from "./problem.js";

const TRIES = 5;
/** Seconds. Longer than this nobody is kept waiting: the problem says when to come back. */
const PATIENCE = 60;
/** These name a state and not a change, so to ask twice is to ask once. */
const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);

export type Token = string | (() => string | Promise<string>);

const pause = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));
/** Longer with each try, and never the same for two clients. */
const beforeNext = (attempt: number) => (0.5 + Math.random() / 2) * Math.min(0.2 * 2 ** attempt, 5);

function afterProblem(failed: Problem, repeatable: boolean, attempt: number): number | undefined {
  const again = NOTHING_DONE.has(failed.code) || ([502, 503, 504].includes(failed.status) && repeatable);
  if (!again || attempt + 1 >= TRIES) return undefined;
  const wait = failed.retryAfter ?? beforeNext(attempt);
  return wait <= PATIENCE ? wait : undefined;
}

export function sender(token: Token): (request: Request) => Promise<Response> {
  return async (request) => {
    // A POST with a key happens once, however often it is sent.
    if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", `"${crypto.randomUUID()}"`);
    }
    const repeatable = REPEATABLE.has(request.method) || request.method === "POST";
    // Read once, because a stream can be sent only once.
    const body = request.body === null ? null : await request.arrayBuffer();
    for (let attempt = 0; ; attempt++) {
      const headers = new Headers(request.headers);
      headers.set("Authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
      let wait: number | undefined;
      try {
        const answer = await fetch(request.url, { method: request.method, headers, body, signal: request.signal, redirect: "error" });
        if (answer.ok || answer.status === 304) return answer;
        // The answer to an earlier try was lost.
        if (request.method === "DELETE" && attempt > 0 && answer.status === 404) return new Response(null, { status: 204 });
        const failed = await problem(answer);
        wait = afterProblem(failed, repeatable, attempt);
        if (wait === undefined) throw failed;
      } catch (error) {
        if (!(error instanceof TypeError) || request.signal.aborted) throw error;
        // `fetch` does not say whether anything was sent.
        if (!repeatable || attempt + 1 >= TRIES) {
          throw new Unreachable(`${request.method} ${request.url}: no answer`, { cause: error });
        }
        wait = beforeNext(attempt);
      }
      await pause(wait);
    }
  };
}
