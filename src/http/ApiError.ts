import { Data } from "effect"

/** The system that answered, or should have. */
export type System = "consul" | "nomad" | "registry" | "vault"

interface Fields {
  readonly system: System
  /** What was asked for, e.g. `kv.get jobs/web`. Never holds a token or a value. */
  readonly operation: string
  /** What the system said, cut to a readable length. */
  readonly detail: string
}

const describe = (error: Fields, what: string): string =>
  `${error.system} ${error.operation}: ${what}${error.detail === "" ? "" : `: ${error.detail}`}`

/** The thing asked for by name does not exist. Asking again won't help. */
export class NotFound extends Data.TaggedError("NotFound")<Fields> {
  override get message(): string {
    return describe(this, "not found")
  }
}

/** Somebody else changed or holds it first. Read again and decide anew. */
export class Conflict extends Data.TaggedError("Conflict")<Fields> {
  override get message(): string {
    return describe(this, "conflict")
  }
}

/** The token may not do this. An operator must mend it. */
export class Denied extends Data.TaggedError("Denied")<Fields> {
  override get message(): string {
    return describe(this, "permission denied")
  }
}

/** The request itself is wrong, or the answer cannot be understood. The same request will fail again. */
export class Invalid extends Data.TaggedError("Invalid")<Fields> {
  override get message(): string {
    return describe(this, "refused")
  }
}

/** No answer, no leader, or an overloaded system. The request may have taken effect; it can be repeated later. */
export class Unavailable extends Data.TaggedError("Unavailable")<Fields> {
  override get message(): string {
    return describe(this, "unavailable")
  }
}

/** What a call to Consul or Nomad can fail with, by what the caller can do about it. */
export type ApiError = NotFound | Conflict | Denied | Invalid | Unavailable
