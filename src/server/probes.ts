import { HttpRouter } from "@effect/platform"
import { Clock, Duration, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { LeaderStatus, type LeaderView } from "../leader/LeaderStatus.ts"
import { Watchdog } from "../metrics/Watchdog.ts"
import { Records } from "../store/Records.ts"
import { health, isHealthy, patience } from "./health.ts"
import { jsonAnswer } from "./jsonAnswer.ts"

/** `/health` says what the service depends on and who leads, `/ready` whether this replica can serve. */
export const probes = HttpRouter.empty.pipe(
  HttpRouter.all(
    "/health",
    Effect.gen(function* () {
      const leaderStatus = yield* LeaderStatus
      const services = yield* health
      const healthy = isHealthy(services)
      return jsonAnswer(
        {
          status: healthy ? "healthy" : "unhealthy",
          services,
          leader: leaderOf(yield* leaderStatus.current),
          timestamp: yield* timestamp
        },
        { status: healthy ? 200 : 503 }
      )
    })
  ),
  HttpRouter.all(
    "/ready",
    Effect.gen(function* () {
      const reasons = yield* obstacles
      const ready = reasons.length === 0
      return jsonAnswer(
        { status: ready ? "ready" : "not ready", ...(ready ? {} : { reasons }), timestamp: yield* timestamp },
        { status: ready ? 200 : 503 }
      )
    })
  )
)

/** Why this replica can't serve, or does not do what it leads for; none when it can. */
const obstacles = Effect.gen(function* () {
  const consul = yield* Consul
  const records = yield* Records
  const watchdog = yield* Watchdog
  const [read, leader, stuck] = yield* Effect.all(
    [
      Effect.timeoutOption(records.ready, Duration.millis(100)),
      Effect.option(Effect.timeout(consul.leader(), patience)),
      watchdog.troubles
    ],
    { concurrency: 3 }
  )
  return [
    // Without a first reading of the records it would answer «not found» for what exists.
    ...(Option.isNone(read) ? ["the records were not read yet"] : []),
    ...(Option.isNone(leader) ? ["Consul does not answer, or has no leader"] : []),
    ...stuck
  ]
})

/** No leader for a moment is no illness: another takes over. */
const leaderOf = ({ holder, isLeader }: LeaderView) => ({
  address: Option.getOrNull(Option.map(holder, ({ address }) => address)),
  self: isLeader
})

const timestamp = Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString())
