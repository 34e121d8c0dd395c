import { Context, Effect, Layer, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import type { ConsulConfig } from "../../src/consul/ConsulConfig.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"

/** The real client; its connections are closed with the scope. */
export const consulClient = (config: ConsulConfig): Effect.Effect<Consul["Type"], never, Scope.Scope> =>
  Effect.map(Layer.build(ConsulHttp.layerOf(config)), (context) => Context.get(context, Consul))
