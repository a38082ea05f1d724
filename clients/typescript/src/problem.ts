/** What can go wrong: a problem that the service tells (RFC 9457), or no answer at all. */

export interface FieldProblem {
  pointer?: string;
  parameter?: string;
  code?: string;
  detail: string;
}

/** Any failure. */
export class ChartroomError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The service did not answer, or the connection was lost before it had. */
export class Unreachable extends ChartroomError {}

/** What the service answered instead of what it was asked for. */
export class Problem extends ChartroomError {
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  /** Which fields are wrong. */
  readonly errors: readonly FieldProblem[];

  constructor(
    readonly status: number,
    document: Record<string, unknown>,
    /** Seconds after which to come back, where the service says so. */
    readonly retryAfter: number | undefined,
  ) {
    const detail = String(document["detail"] ?? document["title"] ?? `the service answered ${status}`);
    const errors = Array.isArray(document["errors"]) ? (document["errors"] as FieldProblem[]) : [];
    const fields = errors.slice(0, 5).map((one) => `${one.pointer ?? one.parameter ?? "the body"}: ${one.detail}`);
    super([detail, ...fields].join("; "));
    this.code = String(document["code"] ?? "");
    this.detail = detail;
    this.requestId = String(document["instance"] ?? "");
    this.errors = errors;
  }
}

/** 400, 413, 415 or 422: the request is wrong; `errors` names the fields. */
export class Invalid extends Problem {}
/** 401: no token, or one that has ended. */
export class Unauthenticated extends Problem {}
/** 403: you may not do that. */
export class Forbidden extends Problem {}
/** 404: there is no such thing, or you may not know of it. */
export class NotFound extends Problem {}
/** 409: it cannot be done to what is there. */
export class Conflict extends Problem {}
/** 412: somebody else changed it since you read it. Read it again, then change it again. */
export class PreconditionFailed extends Problem {}
/** 429: more requests than the service allows; `retryAfter` says when to come back. */
export class TooManyRequests extends Problem {}
/** 5xx: the service cannot do it now. */
export class Unavailable extends Problem {}

const KINDS: Record<number, typeof Problem> = {
  400: Invalid, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 412: PreconditionFailed,
  413: Invalid, 415: Invalid, 422: Invalid, 429: TooManyRequests,
};

/** The service did nothing when it says one of these, so whatever it was asked can be asked again. */
export const NOTHING_DONE = new Set([
  "overloaded", "database-unavailable", "read-only", "storage-full", "identity-unavailable", "too-many-requests", "request-in-flight",
  "file-pending", "not-ready",
]);

export async function problem(answer: Response): Promise<Problem> {
  let document: unknown;
  try {
    document = await answer.json();
  } catch {
    document = {};
  }
  const Kind = KINDS[answer.status] ?? (answer.status >= 500 ? Unavailable : Problem);
  const after = Number.parseFloat(answer.headers.get("Retry-After") ?? "");
  const said = typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  return new Kind(answer.status, said, Number.isNaN(after) ? undefined : after);
}
