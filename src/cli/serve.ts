import * as NodeContext from "@effect/platform-node/NodeContext"
import { Effect, Layer } from "effect"
import type { ConfigError } from "effect/ConfigError"
import * as ConsulHttp from "../consul/ConsulHttp.ts"
import * as ThreadPacemaker from "../leader/ThreadPacemaker.ts"
import * as NomadHttp from "../nomad/NomadHttp.ts"
import type { Texts } from "../store/Settings.ts"
import * as VaultHttp from "../vault/VaultHttp.ts"
import type { CannotListen } from "./listen.ts"
import { ownLogging } from "./ownLogging.ts"
import { runService } from "./service.ts"

/** The service against the clusters that the environment names. */
export const serve = (environment: Texts, freshId: string): Effect.Effect<never, CannotListen | ConfigError> =>
  Effect.flatMap(ownLogging("json", environment), ({ layer, secrets, setLevel }) =>
    runService({
      environment,
      freshId,
      secrets,
      onSettings: ({ logLevel }) => setLevel(logLevel),
      onServing: () => {}
    }).pipe(
      Effect.provide(
        Layer.mergeAll(ConsulHttp.layer, ThreadPacemaker.layer, NomadHttp.layer, VaultHttp.layer).pipe(
          Layer.provide(NodeContext.layer),
          Layer.provideMerge(layer)
        )
      )
    )
  ).pipe(Effect.provide(NodeContext.layer))
