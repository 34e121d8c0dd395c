import { Effect, Layer, Logger, LogLevel, Random } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { runController } from "../../src/controller/Controller.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings } from "../../src/store/LiveSettings.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { LogRetention } from "../../src/store/LogRetention.ts"
import { Redaction } from "../../src/store/Redaction.ts"
import type { PartitionLimits } from "../../src/store/partition.ts"
import { Records } from "../../src/store/Records.ts"
import { Requests } from "../../src/store/Requests.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { simLockLayer } from "./SimLock.ts"

/** Whose Nomad jobs they are. */
export const installation = "11111111-2222-4333-8444-555555555555"

export const keys = keysBelow("jobforge-service")

/** What the operator has set in the environment. Limits are short, so that what hangs is not waited for in vain. */
const environment = {
  NOMAD_DATACENTERS: "dc1",
  VAULT_ENABLED: "false",
  REGISTRY_URL: "registry.sim:5000",
  QUEUE_TIMEOUT: "10m",
  PUBLISH_TIMEOUT: "5m",
  BUILD_TIMEOUT: "5m",
  TEST_TIMEOUT: "5m"
}

export interface ReplicaOptions {
  readonly name: string
  readonly seed: number
  readonly consul: Consul["Type"]
  readonly nomad: Nomad["Type"]
  /** Into how many parts the records are divided, where that is not as in production: they are few. */
  readonly division: PartitionLimits | undefined
  /** A line of its log; a `bug` is one that the product itself calls so. */
  readonly onLog: (level: LogLevel.LogLevel, text: string) => void
}

/** The controller as it runs in production, over what it is given for Consul and Nomad. */
export const replica = (options: ReplicaOptions): Effect.Effect<never> => {
  const stores = Redaction.layer(keys, []).pipe(
    Layer.provide(VaultHttp.disabled),
    Layer.provideMerge(
      Layer.mergeAll(
        LiveSettings.layer(keys, environment, () => {}),
        Records.layer(keys, options.division),
        Requests.layer(keys),
        Statuses.layer(keys),
        LogArchive.layer(keys),
        LogRetention.layer(keys),
        JobArchive.layer(keys),
        simLockLayer(keys.leader, options.name)
      )
    )
  )
  const systems = Layer.merge(Layer.succeed(Consul, options.consul), Layer.succeed(Nomad, options.nomad))
  return runController({ installation, keys }).pipe(
    Effect.provide(Layer.provideMerge(stores, systems)),
    Effect.withRandom(Random.make(options.seed)),
    Effect.withTracerEnabled(false),
    Effect.provide(logging(options.onLog))
  )
}

const logging = (onLog: ReplicaOptions["onLog"]) =>
  Layer.merge(
    Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ logLevel, message, annotations }) => {
        const words = Array.isArray(message) ? message.map(String) : [String(message)]
        onLog(logLevel, [...words, ...[...annotations].map(([name, value]) => `${name}=${String(value)}`)].join(" "))
      })
    ),
    Logger.minimumLogLevel(LogLevel.Info)
  )
