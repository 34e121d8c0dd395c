import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Effect, type Layer, Option, Schema } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { isTerminal, Status } from "../../src/domain/Status.ts"
import { type Keys, keysBelow } from "../../src/store/keys.ts"
import { bundle } from "../build.ts"
import { ConsulServer } from "../chaos/ConsulServer.ts"
import { Dice } from "../chaos/Dice.ts"
import { ModelNomad } from "../chaos/ModelNomad.ts"
import { ModelRegistry } from "../chaos/ModelRegistry.ts"
import { Replica } from "../chaos/Replica.ts"
import type { HostileRecord } from "./hostileRecords.ts"

const decodeStatus = Schema.decodeUnknownOption(Schema.parseJson(Status))

/** The real program over a Consul and the modelled Nomad, with one prefix for each trial. */
export class Lab {
  readonly consul: ConsulServer
  readonly registry: ModelRegistry
  readonly #folder: string
  readonly #program: string
  readonly #nomad: ModelNomad
  #replica: Replica | undefined
  #keys: Keys = keysBelow("none")
  #peak = 0
  #goods = 0

  private constructor(
    folder: string,
    program: string,
    consul: ConsulServer,
    nomad: ModelNomad,
    registry: ModelRegistry
  ) {
    this.#folder = folder
    this.#program = program
    this.consul = consul
    this.#nomad = nomad
    this.registry = registry
  }

  static async open(seed: number): Promise<Lab> {
    const folder = mkdtempSync(join(tmpdir(), "jobforge-hostile-"))
    const program = join(folder, "jobforge.mjs")
    await bundle(program)
    const registry = new ModelRegistry()
    const nomad = await ModelNomad.start(folder, registry, new Dice(seed))
    return new Lab(folder, program, await ConsulServer.start(folder), nomad, registry)
  }

  /** What follows is about a prefix of its own, without a service at first. */
  prefix(name: string): void {
    this.#keys = keysBelow(name)
  }

  async serve(): Promise<void> {
    this.#peak = 0
    this.#replica = await Replica.start({
      name: "service",
      program: this.#program,
      folder: this.#folder,
      consul: () => this.consul.port,
      nomad: () => this.#nomad.port,
      environment: {
        CONSUL_KEY_PREFIX: this.#keys.jobs.slice(0, -"/jobs/".length),
        LOG_LEVEL: "warn",
        NOMAD_DATACENTERS: "dc1",
        VAULT_ENABLED: "false"
      }
    })
  }

  async stop(): Promise<void> {
    await this.#replica?.close()
    this.#replica = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.consul.kill()
    await this.#nomad.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get pid(): number {
    return this.#replica?.pid ?? 0
  }

  /** Resident bytes of the service now, and the most since it began. */
  memory(): { readonly now: number; readonly peak: number } {
    const text = readFileSync(`/proc/${this.pid}/status`, "utf8")
    const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) * 1024
    this.#peak = Math.max(this.#peak, kib("VmHWM"))
    return { now: kib("VmRSS"), peak: this.#peak }
  }

  /** Milliseconds of processor time that the service has used so far. */
  cpu(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8")
    // After the name, which may hold blanks: user and system time are the 12th and 13th, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return 10 * (Number(fields[11]) + Number(fields[12]))
  }

  async write(records: ReadonlyArray<HostileRecord>): Promise<void> {
    await this.#run((consul) =>
      Effect.forEach(records, ({ name, value }) => consul.put(`${this.#keys.jobs}${name}`, value), {
        concurrency: 16,
        discard: true
      })
    )
  }

  /** Good records of names of their own, written at once. */
  async writeGood(count: number): Promise<ReadonlyArray<string>> {
    const names = Array.from({ length: count }, () => `good-${++this.#goods}`)
    const encoder = new TextEncoder()
    await this.write(names.map((name) => ({ name, value: encoder.encode(JSON.stringify(goodRecord(name))) })))
    return names
  }

  /** Milliseconds from `since` until the last of these jobs ended, by the statuses' own times. All must have succeeded. */
  async finished(names: ReadonlyArray<string>, since: number): Promise<number> {
    let left = [...names]
    let last = since
    while (left.length > 0) {
      await pause(100)
      const next = left.slice(0, 8)
      const statuses = await Promise.all(next.map((name) => this.#status(name)))
      for (const status of statuses) {
        if (status === undefined || !isTerminal(status.status)) continue
        if (status.status !== "SUCCEEDED") throw new Error(`${status.name} ended badly: ${status.error}`)
        last = Math.max(last, status.times.job_end ?? 0)
        left = left.filter((name) => name !== status.name)
      }
    }
    return last - since
  }

  /** Names of statuses that say what is wrong with their record. */
  refusals(): Promise<ReadonlySet<string>> {
    return this.#run((consul) =>
      Effect.map(
        consul.list(this.#keys.statuses),
        ({ value }) =>
          new Set(
            value.flatMap((entry) => {
              const status = decodeStatus(new TextDecoder().decode(entry.value))
              return Option.match(status, {
                onNone: () => [],
                onSome: ({ errors = [], name }) => (errors.length > 0 ? [name] : [])
              })
            })
          )
      )
    )
  }

  async statusCount(): Promise<number> {
    return this.#run((consul) => Effect.map(consul.keys(this.#keys.statuses), ({ value }) => value.length))
  }

  async #status(name: string): Promise<Status | undefined> {
    const entry = await this.#run((consul) => consul.get(this.#keys.status(name)))
    return Option.getOrUndefined(Option.flatMap(entry, ({ value }) => decodeStatus(new TextDecoder().decode(value))))
  }

  #run<A>(use: (consul: Consul["Type"]) => Effect.Effect<A, unknown>): Promise<A> {
    const consul: Layer.Layer<Consul> = ConsulHttp.layerOf({ origin: `http://127.0.0.1:${this.consul.port}` })
    return Effect.runPromise(Effect.provide(Effect.orDie(Effect.flatMap(Consul, use)), consul))
  }
}

const goodRecord = (name: string): object => ({
  owner: "good",
  repo_url: "https://git.example.com/good/app.git",
  image_name: `good/${name}`,
  registry_url: "registry.example.com:5000",
  test: { commands: ["true"] }
})
