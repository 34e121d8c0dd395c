import { Effect, Option, Stream } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { JobForgeError } from "../../client/ClientErrors.ts"
import { errorOf } from "../../client/errorOf.ts"
import type { JobForge } from "../../client/JobForge.ts"
import { isTerminal } from "../../domain/Status.ts"
import type { News } from "./Watched.ts"

/**
 * A job's states after this one until it is over. While the service doesn't answer that is told, and asked again: the job
 * goes on meanwhile.
 */
export const followState = (client: JobForge, first: JobState): Stream.Stream<News, JobForgeError> =>
  isTerminal(first.status)
    ? Stream.empty
    : Stream.paginateEffect({ state: first, failures: 0 }, (seen) => ask(client, seen))

interface Seen {
  readonly state: JobState
  /** In a row. */
  readonly failures: number
}

const ask = (client: JobForge, { failures, state }: Seen) =>
  Effect.tryPromise({
    try: (signal) => client.waitForChange(state.job_id, state.index, { signal }),
    catch: errorOf
  }).pipe(
    Effect.map((next): readonly [News, Option.Option<Seen>] => [
      { kind: "state", state: next },
      isTerminal(next.status) ? Option.none() : Option.some({ state: next, failures: 0 })
    ]),
    Effect.catchIf(isPassing, ({ message }) =>
      Effect.succeed<readonly [News, Option.Option<Seen>]>([
        { kind: "trouble", trouble: `${message}; asking again` },
        Option.some({ state, failures: failures + 1 })
      ])
    ),
    Effect.delay(failures === 0 ? 0 : Math.min(5000, 200 * 2 ** Math.min(failures, 5)))
  )

const isPassing = ({ _tag }: JobForgeError): boolean => _tag === "ServiceUnavailable" || _tag === "CallTimeout"
