import { Context, Effect, Layer, Option, type Scope } from "effect"
import { Nomad } from "../../src/nomad/Nomad.ts"
import type { NomadConfig } from "../../src/nomad/NomadConfig.ts"
import * as NomadHttp from "../../src/nomad/NomadHttp.ts"

/** The configuration of an open Nomad at this address. */
export const plainNomad = (origin: string): NomadConfig => ({
  origin,
  token: Option.none(),
  httpAuth: Option.none(),
  namespace: "default",
  region: Option.none()
})

/** The real client; its connections are closed with the scope. */
export const nomadClient = (config: NomadConfig): Effect.Effect<Nomad["Type"], never, Scope.Scope> =>
  Effect.map(Layer.build(NomadHttp.layerOf(config)), (context) => Context.get(context, Nomad))
