import { Effect, Layer } from "effect"
import type { Consul } from "../../src/consul/Consul.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"

/** A client of an embedded Consul of its own, in memory. */
export const embeddedConsul: Layer.Layer<Consul> = Layer.unwrapScoped(
  Effect.map(Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 })), ({ address }) =>
    ConsulHttp.layerOf({ origin: address })
  )
)
