import { mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Effect, Layer, Option, type Scope } from "effect"
import type { ConfigError } from "effect/ConfigError"
import { Consul } from "../consul/Consul.ts"
import * as ConsulHttp from "../consul/ConsulHttp.ts"
import { startEmbeddedConsul } from "../embedded/consul/EmbeddedConsul.ts"
import type { StoredStateError } from "../embedded/consul/Journal.ts"
import type { ListenError } from "../embedded/http/EmbeddedServer.ts"
import * as BuildahDriver from "../embedded/nomad/driver/BuildahDriver.ts"
import { type MachineLevel, type NoStorageDriver, probeMachine } from "../embedded/nomad/driver/MachineLevel.ts"
import { startEmbeddedNomad } from "../embedded/nomad/EmbeddedNomad.ts"
import type { StoredNomadError } from "../embedded/nomad/server/NomadJournal.ts"
import type { SecretsFileError } from "../embedded/nomad/template/SecretsFile.ts"
import type { DriverError } from "../embedded/nomad/TaskDriver.ts"
import { secretsVault } from "../embedded/SecretsVault.ts"
import { type RegistryUnavailable, requireRegistry, startRegistry } from "../embedded/Registry.ts"
import type { Pacemaker } from "../leader/Pacemaker.ts"
import * as ThreadPacemaker from "../leader/ThreadPacemaker.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import * as NomadHttp from "../nomad/NomadHttp.ts"
import { readSettings, type Texts } from "../store/Settings.ts"
import * as VaultHttp from "../vault/VaultHttp.ts"
import type { LiveLogging } from "./logging.ts"
import type { CannotListen } from "./listen.ts"
import { ownLogging } from "./ownLogging.ts"
import { runService } from "./service.ts"

export interface DevOptions {
  readonly data: string
  readonly port: number
  readonly consulPort: number
  readonly nomadPort: number
  readonly registryPort: number
  /** A registry that runs already; one is started when left out. */
  readonly registry?: string
  /** A file with the secrets that Vault would have. */
  readonly secrets?: string
  readonly environment: Texts
  readonly freshId: string
}

/** What is where, once everything answers. */
export interface DevAddresses {
  readonly consul: string
  readonly nomad: string
  readonly registry: string
  readonly service: string
}

export type DevError =
  | ListenError
  | StoredStateError
  | StoredNomadError
  | SecretsFileError
  | RegistryUnavailable
  | DriverError
  | NoStorageDriver
  | CannotListen
  | ConfigError

/**
 * All of the product on one machine, on 127.0.0.1: an embedded Consul and Nomad, a registry, and the same service that
 * production runs. `CONSUL_HTTP_ADDR` and `NOMAD_ADDR` put real ones in the place of the embedded ones.
 */
export const dev = (options: DevOptions, ready: (addresses: DevAddresses) => void): Effect.Effect<never, DevError> => {
  const environment = { ...options.environment, SERVER_HOST: "127.0.0.1", SERVER_PORT: String(options.port) }
  return Effect.flatMap(ownLogging("logfmt", environment), ({ layer, secrets, setLevel }) =>
    Effect.provide(Effect.scoped(start(options, environment, secrets, ready, setLevel)), layer)
  ).pipe(Effect.provide(NodeContext.layer))
}

const start = Effect.fnUntraced(function* (
  options: DevOptions,
  environment: Texts,
  ownSecrets: ReadonlyArray<string>,
  ready: (addresses: DevAddresses) => void,
  setLevel: LiveLogging["setLevel"]
) {
  const data = resolve(options.data)
  yield* Effect.promise(() => mkdir(data, { recursive: true, mode: 0o700 }))
  const registry = yield* registryOf(options, data)
  const level = yield* probeMachine(join(data, "driver"))
  const devEnvironment: Texts = { ...devDefaults(registry, level), ...environment }
  const consul = yield* consulOf(options, data)
  const nomad = yield* nomadOf(options, data, devEnvironment, level)
  yield* Effect.provide(enrol(options.port), consul.layer)
  // What the steps are given is what must not show in their logs.
  const vault = options.secrets === undefined ? VaultHttp.layer : secretsVault(resolve(options.secrets))
  return yield* runService({
    environment: devEnvironment,
    freshId: options.freshId,
    secrets: ownSecrets,
    // Two of them on one machine need ports of their own for everything else, but not for this.
    lenient: (options.environment["METRICS_PORT"] ?? "") === "",
    onSettings: ({ logLevel }) => setLevel(logLevel),
    onServing: () =>
      ready({ consul: consul.address, nomad: nomad.address, registry, service: `http://127.0.0.1:${options.port}` })
  }).pipe(Effect.provide(Layer.mergeAll(consul.layer, nomad.layer, vault)))
})

/** In Consul's catalog, where the command line looks for it. One that can't be written to is no reason not to run. */
const enrol = (port: number): Effect.Effect<void, never, Consul | Scope.Scope> =>
  Effect.flatMap(Consul, (consul) => {
    const id = `jobforge-dev-${port}`
    const service = { id, name: "jobforge-service", address: "127.0.0.1", port }
    return Effect.acquireRelease(
      Effect.catchAll(consul.registerService(service), (error) =>
        Effect.logWarning(`the service isn't in Consul's catalog: ${error.message}`)
      ),
      () => Effect.ignore(consul.deregisterService(id))
    )
  })

/** What suits the embedded engines; the environment still wins. */
const devDefaults = (registry: string, level: MachineLevel): Texts => ({
  NOMAD_DATACENTERS: "dc1",
  REGISTRY_URL: registry,
  BUILD_STORAGE_DRIVER: level.storageDriver === "vfs" ? "vfs" : "overlay",
  BUILD_FUSE: String(level.storageDriver === "fuse"),
  // Whoever tries it out listens on the same machine.
  WEBHOOK_ALLOW: "localhost,127.0.0.0/8,::1"
})

const registryOf = (
  { registry, registryPort, environment }: DevOptions,
  data: string
): Effect.Effect<string, RegistryUnavailable, Scope.Scope> =>
  registry === undefined
    ? startRegistry({ port: registryPort, data: join(data, "registry"), path: environment["PATH"] ?? "" })
    : Effect.as(requireRegistry(registry), registry)

interface Engine<S> {
  readonly address: string
  readonly layer: Layer.Layer<S, ConfigError, NodeContext.NodeContext>
}

const consulOf = Effect.fnUntraced(function* (
  { environment, consulPort }: DevOptions,
  data: string
): Effect.fn.Return<Engine<Consul | Pacemaker>, ListenError | StoredStateError, Scope.Scope> {
  const named = environment["CONSUL_HTTP_ADDR"]
  if (named !== undefined && named !== "") {
    return { address: named, layer: Layer.merge(ConsulHttp.layer, ThreadPacemaker.layer) }
  }
  const { address } = yield* startEmbeddedConsul({ host: "127.0.0.1", port: consulPort, data: join(data, "consul") })
  const config = { origin: address }
  return { address, layer: Layer.merge(ConsulHttp.layerOf(config), ThreadPacemaker.layerOf(config)) }
})

const nomadOf = Effect.fnUntraced(function* (
  { environment, nomadPort, secrets }: DevOptions,
  data: string,
  devEnvironment: Texts,
  level: MachineLevel
) {
  const named = environment["NOMAD_ADDR"]
  const real: Engine<Nomad> = { address: named ?? "", layer: NomadHttp.layer }
  if (named !== undefined && named !== "") return real
  const { spec } = readSettings(devEnvironment, {}).settings
  const cache = join(data, "cache")
  yield* Effect.promise(() => mkdir(cache, { recursive: true, mode: 0o700 }))
  const { address } = yield* startEmbeddedNomad({
    host: "127.0.0.1",
    port: nomadPort,
    data: join(data, "nomad"),
    hostVolumes: { [spec.cacheVolume.name]: cache },
    datacenters: spec.datacenters,
    ...(secrets === undefined ? {} : { secrets: resolve(secrets) })
  }).pipe(
    Effect.provide(
      BuildahDriver.layer({
        dataDir: join(data, "driver"),
        hostImages: [spec.images.builder, spec.images.publisher],
        insecureRegistries: spec.insecureRegistries,
        level
      })
    )
  )
  const embedded: Engine<Nomad> = {
    address,
    layer: NomadHttp.layerOf({
      origin: address,
      region: Option.some(spec.region),
      namespace: spec.namespace,
      token: Option.none(),
      httpAuth: Option.none()
    })
  }
  return embedded
})
