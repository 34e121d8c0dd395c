import { Effect, Ref, Stream } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { JobForgeError } from "../../client/ClientErrors.ts"
import { errorOf } from "../../client/errorOf.ts"
import type { JobForge } from "../../client/JobForge.ts"
import { Io } from "../Io.ts"
import { failedLog } from "./failedLog.ts"
import { endingLines, headerLines, transitionLine } from "./plainLines.ts"
import type { WatchOptions } from "./WatchOptions.ts"

/** A line for each change of status or phase, as scripts know them. */
export const plainView = Effect.fn("plainView")(function* (
  client: JobForge,
  options: WatchOptions
): Effect.fn.Return<JobState, JobForgeError, Io> {
  const { out } = yield* Io
  const print = (lines: ReadonlyArray<string>) => out(lines.map((line) => `${line}\n`).join(""))
  const first = yield* call((signal) => client.getStatus(options.id, { signal }))
  yield* print(headerLines(first, options))
  const jobId = yield* Ref.make(first.job_id)
  yield* Stream.fromAsyncIterable(client.watch(options.id), errorOf).pipe(
    Stream.changesWith((a, b) => a.status === b.status && a.phase === b.phase),
    Stream.runForEach((transition) =>
      Effect.zipRight(Ref.set(jobId, transition.job_id), print([transitionLine(transition)]))
    )
  )
  // The run that was watched: its record may have a newer one by now.
  const id = yield* Ref.get(jobId)
  const state = yield* call((signal) => client.wait(id, { signal }))
  yield* print(endingLines(state, options.knownTags, yield* failedLog(client, state, {})))
  return state
})

const call = <A>(promise: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, JobForgeError> =>
  Effect.tryPromise({ try: promise, catch: errorOf })
