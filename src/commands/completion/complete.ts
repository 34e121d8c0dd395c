import { Effect } from "effect"
import type { JobForge } from "../../client/JobForge.ts"
import { Io } from "../Io.ts"

/**
 * Words for a shell that completes, a line each. Whoever presses Tab waits a second at most and sees no error: without
 * an answer there is nothing to complete.
 *
 * `client` is the service, if it is needed.
 */
export const complete = <E, R>(
  kind: string,
  client: Effect.Effect<JobForge, E, R>
): Effect.Effect<void, never, Io | R> =>
  Effect.gen(function* () {
    const io = yield* Io
    const words = yield* wordsOf(kind, Effect.provideService(client, Io, { ...io, err: () => Effect.void })).pipe(
      Effect.timeout("1 second"),
      Effect.catchAllCause(() => Effect.succeed([]))
    )
    yield* io.out(words.map((word) => `${word}\n`).join(""))
  })

const wordsOf = <E, R>(kind: string, client: Effect.Effect<JobForge, E, R>) => {
  switch (kind) {
    case "job-ids":
      return Effect.flatMap(client, (service) =>
        Effect.tryPromise((signal) => service.getHistory({ limit: recent }, { signal }))
      ).pipe(Effect.map(({ jobs }) => jobs.map(({ name }) => name)))
    case "fields":
      return Effect.map(
        Effect.promise(() => import("../explain/recordFieldPaths.ts")),
        ({ recordFieldPaths }) => recordFieldPaths
      )
    default:
      return Effect.succeed<ReadonlyArray<string>>([])
  }
}

/** As many as somebody chooses from. */
const recent = 50
