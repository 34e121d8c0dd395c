import { Clock, Effect, Option } from "effect"
import { hindered, unhindered } from "../domain/hindrance.ts"
import { isTerminal, type Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import { Redaction } from "../store/Redaction.ts"
import type { StatusRead, WriteConflict } from "../store/Statuses.ts"

/** Tells in a status when Nomad keeps its passes from their end, and when it does so no more: one write at each change. */
export interface Hindrances<R> {
  readonly around: <A, R1>(
    name: string,
    pass: Effect.Effect<A, ApiError | WriteConflict, R1>
  ) => Effect.Effect<A, ApiError | WriteConflict, R | R1 | Redaction>
}

export const makeHindrances = <R>(
  known: (name: string) => StatusRead | undefined,
  write: (name: string, before: StatusRead, status: Status) => Effect.Effect<void, ApiError | WriteConflict, R>
): Hindrances<R> => {
  /** In a row, by record. */
  const failures = new Map<string, number>()

  const unfinished = (name: string) => {
    const read = known(name)
    const status = Option.getOrUndefined(read?.status ?? Option.none())
    return read === undefined || status === undefined || isTerminal(status.status) ? undefined : { read, status }
  }

  const noteEnd = (name: string) => {
    failures.delete(name)
    const found = unfinished(name)
    if (found?.status.hindered === undefined) return Effect.void
    return Effect.flatMap(Clock.currentTimeMillis, (now) => write(name, found.read, unhindered(found.status, now)))
  }

  const noteFailure = Effect.fnUntraced(function* (name: string, error: ApiError | WriteConflict) {
    if (error._tag === "WriteConflict" || error.system !== "nomad") return
    const count = (failures.get(name) ?? 0) + 1
    failures.set(name, count)
    const found = unfinished(name)
    if (count < failuresUntold || found === undefined) return
    const reason = error._tag === "Unavailable" ? "NomadUnavailable" : "NomadRefuses"
    if (found.status.hindered?.reason === reason) return
    const redactor = yield* (yield* Redaction).of(found.status)
    const hindrance = { reason, message: redactor.text(error.message) } as const
    yield* write(name, found.read, hindered(found.status, hindrance, yield* Clock.currentTimeMillis))
  })

  return {
    around: (name, pass) =>
      pass.pipe(
        Effect.tap(() => noteEnd(name)),
        // What can't be written either is said by the next failure: the pass has one of its own already.
        Effect.tapError((error) => Effect.ignore(noteFailure(name, error)))
      )
  }
}

/** Fewer are over before anybody has looked: Nomad's own change of leaders takes about a second. */
const failuresUntold = 4
