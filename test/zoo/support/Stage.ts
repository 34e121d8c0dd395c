import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DurationInput } from "effect/Duration"
import { Cause, Effect, type Fiber, Layer, Logger, Option, Ref, Schema, type Scope } from "effect"
import { Dice } from "../../../scripts/chaos/Dice.ts"
import { modelDriver } from "../../../scripts/chaos/modelDriver.ts"
import { ModelRegistry } from "../../../scripts/chaos/ModelRegistry.ts"
import { runService } from "../../../src/cli/service.ts"
import { Consul } from "../../../src/consul/Consul.ts"
import { isTerminal, Status } from "../../../src/domain/Status.ts"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { startEmbeddedNomad } from "../../../src/embedded/nomad/EmbeddedNomad.ts"
import type { TaskDriver } from "../../../src/embedded/nomad/TaskDriver.ts"
import * as ThreadPacemaker from "../../../src/leader/ThreadPacemaker.ts"
import { Nomad } from "../../../src/nomad/Nomad.ts"
import { keysBelow } from "../../../src/store/keys.ts"
import { consulClient } from "../../support/consulClient.ts"
import { freePort } from "../../support/freePort.ts"
import { nomadClient, plainNomad } from "../../support/nomadClient.ts"

export const keys = keysBelow("jobforge-service")

/** A service whose calls a test may watch, refuse or break off. */
export interface Troupe {
  readonly consul?: (consul: Consul["Type"]) => Consul["Type"]
  readonly nomad?: (nomad: Nomad["Type"]) => Nomad["Type"]
  /** What is set for it beside what is set for all. */
  readonly environment?: Readonly<Record<string, string>>
  /** Ports to listen on: the next one where one is taken. Any that are free, when left out. */
  readonly ports?: Effect.Effect<number>
  /** The test wants it to end by itself. */
  readonly ends?: boolean
}

/** The real service over an embedded Consul and an embedded Nomad whose tasks take milliseconds. */
export interface Stage {
  readonly consul: Consul["Type"]
  readonly nomad: Nomad["Type"]
  readonly registry: ModelRegistry
  /** One replica, until it is interrupted or the test ends; whatever else ends it fails the test. */
  readonly serve: (troupe?: Troupe) => Effect.Effect<Fiber.RuntimeFiber<void>, never, Scope.Scope>
  readonly put: (name: string, record: object) => Effect.Effect<void>
  readonly status: (name: string) => Effect.Effect<Status | undefined>
  /** The status once it is as wanted, within 15 s. */
  readonly until: (name: string, wanted: (status: Status) => boolean) => Effect.Effect<Status>
  /** The status of a run that is over, its cleaning up included; within 15 s unless said otherwise. */
  readonly ended: (name: string, within?: DurationInput) => Effect.Effect<Status>
}

/** `driverOf`: what runs the tasks; a model of the steps when left out. */
export const setStageWith = Effect.fnUntraced(function* (
  driverOf: (registry: ModelRegistry) => Layer.Layer<TaskDriver>
): Effect.fn.Return<Stage, never, Scope.Scope> {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-zoo-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const registry = new ModelRegistry()
  const consulAddress = (yield* Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 }))).address
  const nomadAddress = (yield* startEmbeddedNomad({
    host: "127.0.0.1",
    port: 0,
    data: join(folder, "nomad"),
    hostVolumes: { "buildah-cache": folder },
    cpu: 10_000_000,
    memoryMb: 10_000_000
  }).pipe(Effect.provide(driverOf(registry)), Effect.orDie)).address
  const consul = yield* consulClient({ origin: consulAddress })
  const nomad = yield* nomadClient(plainNomad(nomadAddress))

  const status = (name: string) =>
    Effect.orDie(Effect.map(consul.get(keys.status(name)), Option.flatMap(decodeStatus))).pipe(
      Effect.map(Option.getOrUndefined)
    )

  const until = (
    name: string,
    wanted: (status: Status) => boolean,
    within: DurationInput = "15 seconds"
  ): Effect.Effect<Status> =>
    Effect.gen(function* () {
      for (;;) {
        const seen = yield* status(name)
        if (seen !== undefined && wanted(seen)) return seen
        yield* Effect.sleep(20)
      }
    }).pipe(
      Effect.timeout(within),
      Effect.catchAllCause(() =>
        Effect.flatMap(status(name), (last) => Effect.dieMessage(`${name} never was as wanted: ${shown(last)}`))
      )
    )

  return {
    consul,
    nomad,
    registry,
    serve: (troupe = {}) => serve(consulAddress, nomadAddress, troupe),
    put: (name, record) => Effect.orDie(consul.put(`${keys.jobs}${name}`, toJson(record))),
    status,
    until,
    ended: (name, within) => until(name, atRest, within)
  }
})

export const setStage: Effect.Effect<Stage, never, Scope.Scope> = setStageWith((registry) =>
  modelDriver(registry, new Dice(1))
)

/** What every record here says, with the image that it is about. */
export const record = (image: string, more: object = {}): object => ({
  owner: "zoo",
  repo_url: "https://git.example.com/zoo/app.git",
  image_name: `zoo/${image}`,
  image_tags: ["latest"],
  registry_url: "registry.example.com:5000",
  ...more
})

export const withTests = { test: { commands: ["true", "true again"], entry_point: true } }

export const atRest = ({ status, attempts }: Status): boolean =>
  isTerminal(status) && attempts.every(({ outcome }) => outcome !== undefined)

const environment = {
  NOMAD_DATACENTERS: "dc1",
  VAULT_ENABLED: "false",
  RETRY_BACKOFF: "100ms",
  KILL_TIMEOUT: "1s",
  SERVER_HOST: "127.0.0.1",
  METRICS_PORT: "0"
}

const serve = Effect.fnUntraced(function* (consulAddress: string, nomadAddress: string, troupe: Troupe) {
  const consul = yield* consulClient({ origin: consulAddress })
  const nomad = yield* nomadClient(plainNomad(nomadAddress))
  const layer = Layer.mergeAll(
    Layer.succeed(Consul, troupe.consul?.(consul) ?? consul),
    Layer.succeed(Nomad, troupe.nomad?.(nomad) ?? nomad),
    ThreadPacemaker.layerOf({ origin: consulAddress })
  )
  const named = troupe.environment?.["SERVER_PORT"] !== undefined
  const replica = Effect.flatMap(troupe.ports ?? freePort, (port) =>
    runService({
      environment: { ...environment, SERVER_PORT: String(port), ...troupe.environment },
      freshId: "zoo",
      onSettings: () => {},
      onServing: () => {}
    })
  ).pipe(
    // Between the look for a free port and its use somebody else may have got it: other tests run on this machine.
    Effect.retry({ while: ({ _tag }) => _tag === "CannotListen" && !named, times: 5 })
  )
  // A replica that is silently away would show as something else: as a leader that answers nobody, for one.
  const death = yield* Effect.acquireRelease(Ref.make(Option.none<Cause.Cause<unknown>>()), (known) =>
    troupe.ends === true
      ? Effect.void
      : Effect.flatMap(Ref.get(known), Option.match({ onNone: () => Effect.void, onSome: died }))
  )
  return yield* replica.pipe(
    Effect.provide(Layer.merge(layer, Logger.remove(Logger.defaultLogger))),
    Effect.catchAllCause((cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.void
        : Effect.zipRight(Ref.set(death, Option.some(cause)), Effect.die(cause))
    ),
    Effect.asVoid,
    Effect.forkScoped
  )
})

const died = (cause: Cause.Cause<unknown>) => Effect.dieMessage(`a replica ended by itself: ${Cause.pretty(cause)}`)

const toJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const shown = (status: Status | undefined): string =>
  status === undefined ? "it has no status" : toJson({ ...status, config: undefined, conditions: undefined })

const parseStatus = Schema.decodeUnknownOption(Schema.parseJson(Status))

const decodeStatus = ({ value }: { readonly value: Uint8Array }) => parseStatus(new TextDecoder().decode(value))
