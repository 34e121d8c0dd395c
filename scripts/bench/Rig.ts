import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Context, Effect, Exit, Layer, Option, Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { isTerminal, type Status } from "../../src/domain/Status.ts"
import { startEmbeddedNomad } from "../../src/embedded/nomad/EmbeddedNomad.ts"
import type { TxnOp } from "../../src/consul/Transaction.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { statusValue } from "../../src/store/statusValue.ts"
import { bundle } from "../build.ts"
import { ConsulServer } from "../chaos/ConsulServer.ts"
import { startRealNomad } from "../../test/support/RealNomad.ts"
import { instantDriver, type SeenStep, Steps } from "./instantDriver.ts"
import { instantGate } from "./instantGate.ts"
import { recordText, stepsOfAJob } from "./recordText.ts"
import { type ServiceOptions, ServiceProcess } from "./ServiceProcess.ts"
import { storedRecords } from "./storedRecords.ts"

export const keys = keysBelow("jobforge-service")

/** How fast this machine's disk is, is no figure of the service's. */
const inMemory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

/** The real program over a Consul in a process of its own and the embedded Nomad, whose steps take no time. */
export class Rig {
  readonly folder: string
  readonly consul: ConsulServer
  readonly steps: Steps
  readonly nomad: string
  readonly #program: string
  readonly #isRealNomad: boolean
  #endedBefore = 0
  readonly #scope: Scope.CloseableScope
  readonly #client: Consul["Type"]
  #service: ServiceProcess | undefined

  private constructor(
    folder: string,
    program: string,
    consul: ConsulServer,
    nomad: { readonly address: string; readonly steps: Steps; readonly isReal: boolean },
    scope: Scope.CloseableScope,
    client: Consul["Type"]
  ) {
    this.folder = folder
    this.#program = program
    this.consul = consul
    this.nomad = nomad.address
    this.steps = nomad.steps
    this.#isRealNomad = nomad.isReal
    this.#scope = scope
    this.#client = client
  }

  /** `realNomad`: a program to run in the place of the embedded one. Its steps aren't seen, and none can be held. */
  static async open(wanted: "any" | "embedded", realNomad?: string): Promise<Rig> {
    const folder = mkdtempSync(join(inMemory, "jobforge-bench-"))
    const program = join(folder, "jobforge.mjs")
    await bundle(program)
    const consul = await ConsulServer.start(folder, wanted)
    const scope = Effect.runSync(Scope.make())
    const steps = new Steps()
    const nomad = realNomad === undefined ? embeddedNomad(folder, steps) : instantNomad(realNomad)
    const address = await Effect.runPromise(Scope.extend(nomad, scope))
    const layer = ConsulHttp.layerOf({ origin: `http://127.0.0.1:${consul.port}` })
    const client = await Effect.runPromise(
      Effect.map(Scope.extend(Layer.build(layer), scope), (context) => Context.get(context, Consul))
    )
    return new Rig(folder, program, consul, { address, steps, isReal: realNomad !== undefined }, scope, client)
  }

  get service(): ServiceProcess {
    if (this.#service === undefined) throw new Error("no service runs")
    return this.#service
  }

  async serve(options: Pick<ServiceOptions, "environment" | "node"> = {}): Promise<ServiceProcess> {
    this.#service = await ServiceProcess.start({
      program: this.#program,
      folder: this.folder,
      consul: `http://127.0.0.1:${this.consul.port}`,
      nomad: this.nomad,
      ...options
    })
    return this.#service
  }

  async stop(): Promise<void> {
    await this.#service?.end()
    this.#service = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.consul.kill()
    await Effect.runPromise(Scope.close(this.#scope, Exit.void))
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Waits until it holds, as long as the service lives. `what`: for whoever reads why it never did. */
  async until(what: string, holds: () => boolean | Promise<boolean>, patience = 600_000): Promise<void> {
    const deadline = performance.now() + patience
    while (!(await holds())) {
      this.service.mustRun()
      if (performance.now() > deadline) throw new Error(`it never came true that ${what}`)
      await pause(50)
    }
  }

  put(names: ReadonlyArray<string>, more: object = {}): Promise<void> {
    return this.run((consul) =>
      Effect.forEach(names, (name) => consul.put(`${keys.jobs}${name}`, recordText(name, more)), {
        concurrency: 16,
        discard: true
      })
    )
  }

  async status(name: string): Promise<Status | undefined> {
    const entry = await this.run((consul) => consul.get(keys.status(name)))
    return Option.getOrUndefined(Option.flatMap(entry, ({ value }) => statusValue.decode(value)))
  }

  /** Waits until all of these are over, their cleaning up included. Any that failed ends the measurement. */
  async ended(names: ReadonlyArray<string>, patience = 600_000): Promise<ReadonlyArray<Status>> {
    const done: Array<Status> = []
    const deadline = performance.now() + patience
    await this.#stepsEnded(names.length, deadline)
    let left = [...names]
    while (left.length > 0) {
      this.service.mustRun()
      if (performance.now() > deadline) throw new Error(`${left.length} jobs did not end, ${left[0]} among them`)
      const seen = await Promise.all(left.slice(0, 16).map((name) => this.status(name)))
      const over = seen.flatMap((status) => (status !== undefined && isAtRest(status) ? [status] : []))
      for (const status of over) {
        if (status.status !== "SUCCEEDED") throw new Error(`${status.name} ended badly: ${status.error}`)
        done.push(status)
      }
      const names = new Set(over.map(({ name }) => name))
      left = left.filter((name) => !names.has(name))
      if (over.length < 8) await pause(this.#isRealNomad ? 200 : 20)
    }
    return done
  }

  /** Waits until as many jobs that have a UUID for a name, as those over HTTP have, are over and in the archive. */
  async archived(jobs: number, patience = 600_000): Promise<void> {
    const deadline = performance.now() + patience
    await this.#stepsEnded(jobs, deadline)
    for (;;) {
      const { value: left } = await this.run((consul) => consul.keys(keys.jobs))
      if (left.length === 0) return
      this.service.mustRun()
      if (performance.now() > deadline) throw new Error(`${left.length} jobs were not archived, ${left[0]} among them`)
      await pause(20)
    }
  }

  /** Who asks all the time measures what asking costs: the steps are seen as they end. */
  async #stepsEnded(jobs: number, deadline: number): Promise<void> {
    if (this.#isRealNomad) return
    const expected = this.#endedBefore + stepsOfAJob * jobs
    while (this.steps.ended < expected && performance.now() < deadline && this.service.running) await pause(2)
    this.#endedBefore = this.steps.ended
  }

  /** One job alone, from before its record is put to the end of its cleaning up: what Nomad and the driver saw of it. */
  async watched(name: string): Promise<ReadonlyArray<SeenStep>> {
    this.steps.seen.length = 0
    this.steps.keep = true
    await this.put([name])
    await this.ended([name], 60_000)
    this.steps.keep = false
    return [...this.steps.seen]
  }

  /** Stores copies of a job that ended under these names. */
  async store(ended: string, names: ReadonlyArray<string>): Promise<void> {
    const status = await this.status(ended)
    if (status === undefined) throw new Error(`${ended} has no status`)
    await this.storeCopies(status, names)
  }

  async storeCopies(ended: Status, names: ReadonlyArray<string>): Promise<void> {
    for (const operations of storedRecords(keys, ended, recordText(ended.name), names)) {
      await this.transaction(operations)
    }
  }

  transaction(ops: ReadonlyArray<TxnOp>): Promise<void> {
    return this.run((consul) =>
      Effect.flatMap(consul.transaction(ops), ({ _tag }) =>
        _tag === "Committed" ? Effect.void : Effect.dieMessage("a transaction of the bench was rolled back")
      )
    )
  }

  run<A>(use: (consul: Consul["Type"]) => Effect.Effect<A, unknown>): Promise<A> {
    return Effect.runPromise(Effect.orDie(use(this.#client)))
  }
}

/** A node that ends so many steps a second needs more than Nomad's 50 to keep their logs until they are fetched. */
const keptAllocations = 500

const embeddedNomad = (folder: string, steps: Steps) =>
  startEmbeddedNomad({
    host: "127.0.0.1",
    port: 0,
    data: join(folder, "nomad"),
    hostVolumes: { "buildah-cache": folder },
    cpu: 100_000_000,
    memoryMb: 100_000_000,
    diskMb: 1_000_000_000,
    keptAllocations
  }).pipe(
    Effect.provide(instantDriver(steps)),
    Effect.map(({ address }) => address)
  )

const instantNomad = (program: string) => Effect.flatMap(startRealNomad(program, { keptAllocations }), instantGate)

const isAtRest = ({ attempts, status }: Status): boolean =>
  isTerminal(status) && attempts.every(({ outcome }) => outcome !== undefined)

export const namesOf = (prefix: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at}`)
