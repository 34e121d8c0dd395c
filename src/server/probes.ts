import { HttpRouter, HttpServerResponse } from "@effect/platform"
import { Clock, Duration, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { LeaderStatus, type LeaderView } from "../leader/LeaderStatus.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { Records } from "../store/Records.ts"

/** `/health` says what the service depends on and who leads, `/ready` whether this replica can serve. */
export const probes = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/health",
    Effect.gen(function* () {
      const consul = yield* Consul
      const nomad = yield* Nomad
      const leaderStatus = yield* LeaderStatus
      const states = yield* Effect.all(
        { consul: stateOf("consul", consul.leader()), nomad: stateOf("nomad", nomad.leader()) },
        { concurrency: 2 }
      )
      const healthy = Object.values(states).every((state) => state === "healthy")
      return yield* HttpServerResponse.json(
        {
          status: healthy ? "healthy" : "unhealthy",
          services: states,
          leader: leaderOf(yield* leaderStatus.current),
          timestamp: yield* timestamp
        },
        { status: healthy ? 200 : 503 }
      )
    })
  ),
  HttpRouter.get(
    "/ready",
    Effect.gen(function* () {
      const consul = yield* Consul
      const records = yield* Records
      // Without a first reading of the records it would answer «not found» for what exists.
      const read = yield* Effect.timeoutOption(records.ready, Duration.millis(100))
      const reachable = yield* Effect.option(consul.leader())
      const ready = read._tag === "Some" && reachable._tag === "Some"
      return yield* HttpServerResponse.json(
        { status: ready ? "ready" : "not ready", timestamp: yield* timestamp },
        { status: ready ? 200 : 503 }
      )
    })
  )
)

/** A probe must answer before whoever probes gives up. */
const patience = Duration.seconds(3)

const stateOf = (service: string, leader: Effect.Effect<string, ApiError>): Effect.Effect<"healthy" | "unhealthy"> =>
  leader.pipe(
    Effect.timeout(patience),
    Effect.as("healthy" as const),
    Effect.catchAll((error) =>
      Effect.logWarning("Health check failed", error).pipe(
        Effect.annotateLogs({ service }),
        Effect.as("unhealthy" as const)
      )
    )
  )

/** No leader for a moment is no illness: another takes over. */
const leaderOf = ({ holder, isLeader }: LeaderView) => ({
  address: Option.getOrNull(Option.map(holder, ({ address }) => address)),
  self: isLeader
})

const timestamp = Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString())
