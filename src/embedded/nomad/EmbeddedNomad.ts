import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createHash, randomUUID } from "node:crypto"
import { arch, cpus, hostname, release, totalmem } from "node:os"
import { join, resolve } from "node:path"
import { Effect, Schedule, Schema, type Scope } from "effect"
import { type ListenError, serveEmbedded } from "../http/EmbeddedServer.ts"
import { startClient, usualKeptAllocations } from "./client/EmbeddedNomadClient.ts"
import { knownDockerOptions } from "./client/driverConfig.ts"
import type { Job } from "./machine/JobSpec.ts"
import type { Command } from "./machine/NomadCommand.ts"
import { nomadVersion } from "./server/clusterRoutes.ts"
import { NomadEngine } from "./server/NomadEngine.ts"
import { NomadJournal, StoredNomadError } from "./server/NomadJournal.ts"
import { type Agent, handleRequest } from "./server/routes.ts"
import { TaskDriver } from "./TaskDriver.ts"
import { readSecretsFile, type SecretsFileError } from "./template/SecretsFile.ts"
import { Secrets, templateRefusals } from "./template/TaskTemplates.ts"

export interface EmbeddedNomadOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** The folder of the servers' state and of the allocations. */
  readonly data: string
  /** A YAML or JSON file of `path: {field: value}` that stands for Vault; without it jobs with a vault block are refused. */
  readonly secrets?: string
  /** Host volumes by name: folders on this machine. */
  readonly hostVolumes?: Readonly<Record<string, string>>
  /** Jobs for any of these run here; the node shows the first. `dc1` when left out. */
  readonly datacenters?: ReadonlyArray<string>
  /** Megahertz to give away; 1000 a core when left out. */
  readonly cpu?: number
  /** Mebibytes to give away; the machine's memory when left out. */
  readonly memoryMb?: number
  /** Mebibytes of disk to give away; a tebibyte when left out. */
  readonly diskMb?: number
  readonly meta?: Readonly<Record<string, string>>
  /** The client's `gc_max_allocs`; 50 when left out, as Nomad has it. */
  readonly keptAllocations?: number
}

export interface EmbeddedNomad {
  /** `http://127.0.0.1:4646`. */
  readonly address: string
  readonly port: number
}

/**
 * Nomad's servers and one client in this process, until the scope closes: then requests are cut off and tasks are ended
 * within a bound. Every change is in the folder before it is answered.
 */
export const startEmbeddedNomad = Effect.fn("startEmbeddedNomad")(function* (
  options: EmbeddedNomadOptions
): Effect.fn.Return<EmbeddedNomad, ListenError | StoredNomadError | SecretsFileError, TaskDriver | Scope.Scope> {
  const driver = yield* TaskDriver
  // A wrong file is found now, not by the first job.
  if (options.secrets !== undefined) yield* readSecretsFile(options.secrets)
  const secrets = options.secrets === undefined ? Secrets.none : Secrets.ofFile(options.secrets)
  const data = resolve(options.data)
  const allocations = join(data, "alloc")
  yield* Effect.promise(() => mkdir(allocations, { recursive: true, mode: 0o711 }))
  const engine = yield* openEngine(join(data, "server"))
  const node = yield* nodeOf(options, data)
  engine.execute({ _tag: "UpsertNode", node })
  const folders = { allocations, started: join(data, "started") }
  const client = yield* startClient(engine, node.ID, folders, options.keptAllocations ?? usualKeptAllocations).pipe(
    Effect.provideService(Secrets, secrets)
  )
  let { port } = options
  const agent: Agent = {
    engine,
    admission: (job: Job) => admissionFaults(job, driver, secrets.enabled),
    client: { allocations, collect: client.collect },
    facts: {
      name: node.Name,
      datacenter: node.Datacenter,
      get address() {
        return `${options.host}:${port}`
      }
    }
  }
  const listening = yield* serveEmbedded({
    server: "Nomad",
    host: options.host,
    port: options.port,
    handle: (exchange) => handleRequest(agent, exchange)
  })
  port = listening.port
  if (port !== options.port)
    engine.execute({ _tag: "UpsertNode", node: { ...node, HTTPAddr: `${options.host}:${port}` } })
  yield* Effect.forkScoped(
    Effect.repeat(
      Effect.sync(() => engine.execute({ _tag: "CollectGarbage", olderThan: engine.now() - jobsKeptFor })),
      {
        schedule: Schedule.spaced("5 minutes")
      }
    )
  )
  return listening
})

/** Nomad's `job_gc_threshold`, in nanoseconds. */
const jobsKeptFor = 4 * 3600 * 1e9

const openEngine = (folder: string): Effect.Effect<NomadEngine, StoredNomadError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => NomadJournal.open(folder),
      catch: (error) =>
        error instanceof StoredNomadError
          ? error
          : new StoredNomadError({ path: folder, why: error instanceof Error ? error.message : String(error) })
    }),
    ({ journal }) => Effect.sync(() => journal.close())
  ).pipe(
    Effect.flatMap(({ state, journal }) =>
      Effect.acquireRelease(
        Effect.sync(() => new NomadEngine(state, journal)),
        (engine) => Effect.sync(() => engine.close())
      )
    )
  )

const readId = Schema.decodeUnknownOption(Schema.UUID)

type NodeSpec = Extract<Command, { readonly _tag: "UpsertNode" }>["node"]

/** The node keeps its id across restarts, as a real client does. */
const nodeOf = Effect.fnUntraced(function* (options: EmbeddedNomadOptions, data: string): Effect.fn.Return<NodeSpec> {
  const path = join(data, "node-id")
  const id = yield* Effect.promise(async () => {
    const known = readId((await readFile(path, "utf8").catch(() => "")).trim())
    if (known._tag === "Some") return known.value
    const fresh = randomUUID()
    await writeFile(path, fresh)
    return fresh
  })
  const cores = cpus().length
  return {
    ID: id,
    Name: "jobforge-dev",
    Datacenter: options.datacenters?.[0] ?? "dc1",
    NodePool: "default",
    NodeClass: "",
    Address: options.host,
    HTTPAddr: `${options.host}:${options.port}`,
    Attributes: {
      "kernel.name": "linux",
      "kernel.version": release(),
      "cpu.arch": arch() === "x64" ? "amd64" : arch(),
      "cpu.numcores": String(cores),
      "memory.totalbytes": String(totalmem()),
      "nomad.version": nomadVersion,
      "unique.hostname": hostname(),
      "driver.docker": "1",
      "unique.fingerprint": createHash("sha256").update(id).digest("hex").slice(0, 16),
      ...(options.secrets === undefined ? {} : { "vault.accessible": "true", "vault.version": "1.16.0" })
    },
    Meta: options.meta ?? {},
    Drivers: ["docker"],
    HostVolumes: Object.fromEntries(
      Object.entries(options.hostVolumes ?? {}).map(([Name, Path]) => [Name, { Name, Path, ReadOnly: false }])
    ),
    Devices: [],
    Cpu: options.cpu ?? cores * 1000,
    MemoryMB: options.memoryMb ?? Math.floor(totalmem() / 1024 / 1024),
    DiskMB: options.diskMb ?? 1024 * 1024
  }
})

/** What only the client can say about a job. A driver that no node has is left to the scheduler, which names it. */
const admissionFaults = (job: Job, driver: TaskDriver["Type"], vaultEnabled: boolean): ReadonlyArray<string> =>
  (job.TaskGroups ?? [])
    .flatMap((group) => group.Tasks ?? [])
    .flatMap((task) => [
      ...templateRefusals(task, vaultEnabled),
      ...(task.Driver === "docker"
        ? driver
            .validate(task.Driver, knownDockerOptions(task.Config ?? {}), task.User)
            .map((refusal) => `Task ${task.Name}: ${refusal}`)
        : [])
    ])
