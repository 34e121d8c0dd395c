import { Clock, Duration, Effect } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import { JobArchive } from "../store/JobArchive.ts"
import { LogArchive } from "../store/LogArchive.ts"
import { LogRetention } from "../store/LogRetention.ts"
import type { Retention } from "../store/Retention.ts"
import type { Settings } from "../store/Settings.ts"

/**
 * Keeps what has ended within its bounds, for one term of office. It looks at once, when so much was archived that the
 * bound may be reached, when the bounds change, and else every ten minutes.
 */
export const housekeeping = Effect.fnUntraced(function* (
  settings: Effect.Effect<Settings>,
  lease: Lease
): Effect.fn.Return<never, never, JobArchive | LogArchive | LogRetention> {
  const archive = yield* LogArchive
  let last: { readonly at: number; readonly written: number; readonly retention: Retention } | undefined = undefined
  for (;;) {
    const { retention } = yield* settings
    const written = yield* archive.written
    const now = yield* Clock.currentTimeMillis
    const due: boolean =
      last === undefined ||
      now - last.at >= Duration.toMillis(atLeastEvery) ||
      written - last.written >= retention.logBytes / 32 ||
      !sameBounds(last.retention, retention)
    if (due) {
      yield* tidy(retention, lease, now)
      last = { at: now, written, retention }
    }
    yield* Effect.sleep(looksEvery)
  }
})

const atLeastEvery = Duration.minutes(10)

/** A look costs nothing but a comparison. */
const looksEvery = Duration.seconds(10)

const sameBounds = (a: Retention, b: Retention): boolean =>
  a.logBytes === b.logBytes && a.logAge === b.logAge && a.historyAge === b.historyAge && a.historyMax === b.historyMax

const tidy = Effect.fnUntraced(function* (retention: Retention, { fence }: Lease, now: number) {
  const logs = yield* LogRetention
  const jobs = yield* JobArchive
  yield* attempt("logs without an entry", logs.adoptStrays(fence, now))
  yield* attempt(
    "archived logs",
    Effect.map(logs.prune(retention, fence, now), ({ deleted }) => deleted)
  )
  yield* attempt("archived jobs", jobs.prune(retention, fence, now))
})

/** What failed is tried again with the next look that is due. */
const attempt = <R>(what: string, work: Effect.Effect<number, ApiError, R>) =>
  Effect.matchEffect(work, {
    onFailure: (error) => Effect.logWarning(`${what} were not tidied`, error.message),
    onSuccess: (count) =>
      count === 0 ? Effect.void : Effect.logInfo("tidied").pipe(Effect.annotateLogs({ what, count }))
  })
