import { createHash } from "node:crypto"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Context, Effect, Layer, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Authentication } from "../../src/server/Authentication.ts"
import { LiveSettings, settingsOf } from "../../src/store/LiveSettings.ts"
import { readSettings } from "../../src/store/Settings.ts"

/** As a service has it whose operator has set this. */
export const authenticationOf = (
  environment: Readonly<Record<string, string>>,
  consul: Partial<Consul["Type"]> = {}
): Effect.Effect<Authentication["Type"], never, Scope.Scope> =>
  Layer.build(
    Authentication.layer.pipe(
      Layer.provide(
        Layer.mergeAll(
          NodeFileSystem.layer,
          Layer.succeed(
            LiveSettings,
            settingsOf(() => readSettings(environment, {}).settings)
          ),
          Layer.mock(Consul, { ...consul })
        )
      )
    )
  ).pipe(Effect.map((context) => Context.get(context, Authentication)))

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")
