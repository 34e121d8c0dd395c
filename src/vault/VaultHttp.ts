import { FileSystem } from "@effect/platform"
import { type ConfigError, Effect, Layer, Option } from "effect"
import { Denied } from "../http/ApiError.ts"
import { makeEndpoint } from "../http/Transport.ts"
import { makeKvMounts } from "./kvMounts.ts"
import { makeKvPreflight } from "./makeKvPreflight.ts"
import { makeKvReader } from "./KvReader.ts"
import { makeTokenSource } from "./makeTokenSource.ts"
import { Vault } from "./Vault.ts"
import { makeVaultCall, makeVaultSend } from "./VaultCall.ts"
import * as VaultConfig from "./VaultConfig.ts"

/**
 * The Vault that the environment names, or none. Nothing is asked of it yet: it may come up later than we do.
 *
 * It is not node-vault, whose errors hold the token, which forwards the token to whatever host a redirect names, knows no
 * deadline, takes `VAULT_SKIP_VERIFY=false` for true and gives up renewing after one failure (version 0.12.0).
 */
export const layer: Layer.Layer<Vault, ConfigError.ConfigError, FileSystem.FileSystem> = Layer.unwrapEffect(
  Effect.map(VaultConfig.load, Option.match({ onNone: () => disabled, onSome: (config) => layerOf(config) }))
)

export const layerOf = (config: VaultConfig.VaultConfig): Layer.Layer<Vault, never, FileSystem.FileSystem> =>
  Layer.scoped(
    Vault,
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const endpoint = yield* makeEndpoint({
        origin: config.origin,
        headers: {
          // Vault's guard against requests that were forged by way of somebody's browser or template.
          "x-vault-request": "true",
          ...(config.namespace === undefined ? {} : { "x-vault-namespace": config.namespace })
        },
        ...(config.tls === undefined ? {} : { tls: config.tls })
      })
      const send = makeVaultSend(endpoint)
      const call = makeVaultCall(send, yield* makeTokenSource(config.token, send, files))
      const mounts = makeKvMounts(call)
      return Vault.of({
        read: makeKvReader(call, mounts, config.mount),
        presence: makeKvPreflight(call, mounts, config.mount),
        // Standbys forward what they are asked: they are as good as the active one.
        health: send(
          {
            operation: "health",
            method: "GET",
            path: "/v1/sys/health",
            query: { standbyok: "true", perfstandbyok: "true" }
          },
          ""
        ).pipe(
          Effect.match({ onFailure: () => "unhealthy" as const, onSuccess: () => "healthy" as const }),
          Effect.withSpan("Vault.health")
        )
      })
    })
  )

/** No Vault is configured: whatever needs it says so. */
export const disabled: Layer.Layer<Vault> = Layer.succeed(
  Vault,
  Vault.of({
    read: (path) =>
      Effect.fail(
        new Denied({
          system: "vault",
          operation: `read ${path}`,
          detail: "no Vault is configured; set VAULT_ADDR and a token"
        })
      ),
    presence: () => Effect.succeed("unknown"),
    health: Effect.succeed("disabled")
  })
)
