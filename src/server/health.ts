import { Duration, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { Nomad } from "../nomad/Nomad.ts"
import { Vault } from "../vault/Vault.ts"

export type State = "healthy" | "unhealthy"

/** What the service depends on. Vault stands among it only where the service was told of one. */
export interface Health {
  readonly consul: State
  readonly nomad: State
  readonly vault?: State
}

/** Asks all of them at once, and answers before whoever probes gives up. */
export const health: Effect.Effect<Health, never, Consul | Nomad> = Effect.gen(function* () {
  const consul = yield* Consul
  const nomad = yield* Nomad
  const vault = yield* Effect.serviceOption(Vault)
  const states = yield* Effect.all(
    {
      consul: stateOf("consul", consul.leader()),
      nomad: stateOf("nomad", nomad.leader()),
      vault: Option.match(vault, {
        onNone: () => Effect.succeed("disabled" as const),
        onSome: (service) => Effect.timeoutTo(service.health, { ...inTime, duration: patience })
      })
    },
    { concurrency: 3 }
  )
  if (states.vault === "disabled") return { consul: states.consul, nomad: states.nomad }
  if (states.vault === "unhealthy") yield* failed("vault")
  return { consul: states.consul, nomad: states.nomad, vault: states.vault }
})

export const isHealthy = (states: Health): boolean => Object.values(states).every((state) => state === "healthy")

/** A probe must answer before whoever probes gives up. */
export const patience = Duration.seconds(3)

type VaultState = State | "disabled"

const inTime = {
  onSuccess: (state: VaultState): VaultState => state,
  onTimeout: (): VaultState => "unhealthy"
} as const

const stateOf = (service: string, leader: Effect.Effect<string, ApiError>): Effect.Effect<State> =>
  leader.pipe(
    Effect.timeout(patience),
    Effect.as("healthy" as const),
    Effect.catchAll((error) => Effect.as(failed(service, error), "unhealthy" as const))
  )

const failed = (service: string, ...error: ReadonlyArray<unknown>) =>
  Effect.annotateLogs(Effect.logWarning("Health check failed", ...error), { service })
