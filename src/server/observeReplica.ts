import { Duration, Effect, Option, Schedule, type Scope } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { LeaderStatus } from "../leader/LeaderStatus.ts"
import { family, ofElection } from "../metrics/families.ts"
import { Metrics } from "../metrics/Metrics.ts"
import { Watchdog } from "../metrics/Watchdog.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import { StatusWatch } from "../store/StatusWatch.ts"
import { health } from "./health.ts"

/** What every replica tells of itself, whether it leads or not: until the scope closes. */
export const observeReplica: Effect.Effect<void, never, Consul | LeaderStatus | Nomad | StatusWatch | Scope.Scope> =
  Effect.gen(function* () {
    yield* watchEventLoop
    const metrics = yield* Metrics
    if (!metrics.enabled) return
    const { current } = yield* LeaderStatus
    const { waiters } = yield* StatusWatch
    let told = 0
    yield* metrics.beforeScrape(
      Effect.gen(function* () {
        const { isLeader, transitions } = yield* current
        metrics.set(family.leading, ofElection, isLeader ? 1 : 0)
        metrics.add(family.leaderTransitions, ofElection, Math.max(0, transitions - told))
        told = transitions
        metrics.set(family.waiters, { kind: "status" }, yield* waiters)
      })
    )
    yield* health.pipe(
      Effect.tap((states) =>
        Effect.sync(() => {
          for (const [service, state] of Object.entries(states)) {
            metrics.set(family.healthCheck, { service }, state === "healthy" ? 1 : 0)
          }
        })
      ),
      Effect.repeat(Schedule.spaced(Duration.seconds(30))),
      Effect.forkScoped
    )
  })

const beat = Duration.seconds(1)

/**
 * A loop that is blocked answers no probe at all. One that comes to a probe now and then, and does nothing in time, is
 * found by its own beat.
 */
const watchEventLoop = Effect.gen(function* () {
  const clock = yield* Effect.clock
  const watchdog = yield* Watchdog
  let last = clock.unsafeCurrentTimeMillis()
  let lag = 0
  yield* watchdog.watch((limit) =>
    Effect.sync(() => {
      const late = Math.max(lag, clock.unsafeCurrentTimeMillis() - last - Duration.toMillis(beat))
      return late > limit / 4
        ? Option.some(`the event loop is ${Duration.format(Duration.millis(late))} late`)
        : Option.none()
    })
  )
  yield* Effect.sleep(beat).pipe(
    Effect.zipRight(
      Effect.sync(() => {
        const now = clock.unsafeCurrentTimeMillis()
        lag = now - last - Duration.toMillis(beat)
        last = now
      })
    ),
    Effect.forever,
    Effect.forkScoped
  )
})
