import type { FileSystem } from "@effect/platform"
import { type ConfigError, Effect, Layer } from "effect"
import { makeEndpoint } from "../http/Transport.ts"
import { makeAcl } from "./Acl.ts"
import { makeAgent } from "./Agent.ts"
import { authHeaders, makeCall } from "./Call.ts"
import { makeCatalog } from "./Catalog.ts"
import { Consul } from "./Consul.ts"
import * as ConsulConfig from "./ConsulConfig.ts"
import { makeKv } from "./Kv.ts"
import { makeSessions } from "./Session.ts"
import { makeTransaction } from "./Transaction.ts"

/** The Consul that the environment names. Nothing is asked of it yet: it may come up later than we do. */
export const layer: Layer.Layer<Consul, ConfigError.ConfigError, FileSystem.FileSystem> = Layer.unwrapEffect(
  Effect.map(ConsulConfig.load, (config) => layerOf(config))
)

/** Consul closes those of one address beyond 200, whoever else has them there: agents and jobs of the same machine. */
const connections = 64

export const layerOf = (config: ConsulConfig.ConsulConfig): Layer.Layer<Consul> =>
  Layer.scoped(
    Consul,
    Effect.gen(function* () {
      const endpoint = yield* makeEndpoint({
        origin: config.origin,
        headers: authHeaders(config),
        connections,
        ...(config.socketPath === undefined ? {} : { socketPath: config.socketPath }),
        ...(config.tls === undefined ? {} : { tls: config.tls })
      })
      const call = makeCall(endpoint, config)
      return Consul.of({
        ...makeKv(call),
        ...makeSessions(call),
        ...makeAcl(call),
        ...makeAgent(call),
        ...makeCatalog(call),
        transaction: makeTransaction(call)
      })
    })
  )
