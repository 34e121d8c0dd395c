import type { ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Option, Schema } from "effect"
import { bundle } from "../../../scripts/build.ts"
import { type DevPorts, type DevSetup, freePorts, startDev, stopDev } from "../../../scripts/demo/server.ts"
import { Consul } from "../../../src/consul/Consul.ts"
import type { ConsulConfig } from "../../../src/consul/ConsulConfig.ts"
import * as ConsulHttp from "../../../src/consul/ConsulHttp.ts"
import { isTerminal, Status } from "../../../src/domain/Status.ts"
import { keysBelow } from "../../../src/store/keys.ts"
import { LogArchive } from "../../../src/store/LogArchive.ts"
import { eventually } from "../../support/eventually.ts"

const keys = keysBelow("jobforge-service")
const decode = Schema.decodeUnknownOption(Schema.parseJson(Status))

/** Environment and flags of the program, over those that every installation has. */
export type Setup = Pick<DevSetup, "environment" | "flags">

/** A whole installation on one machine, run by the real program in a process of its own. */
export class Installation {
  readonly folder: string
  readonly ports: DevPorts
  /** The bundle that it runs. */
  readonly program: string
  readonly #consul: ConsulConfig
  readonly #setup: Setup
  #child: ChildProcess | undefined

  private constructor(folder: string, ports: DevPorts, program: string, consul: ConsulConfig, setup: Setup) {
    this.folder = folder
    this.ports = ports
    this.program = program
    this.#consul = consul
    this.#setup = setup
  }

  /** With a Consul of one's own in place of the embedded one, the setup names it and `consul` is how the test sees it. */
  static async start(setup: Setup = {}, consul?: ConsulConfig): Promise<Installation> {
    const folder = mkdtempSync(join(tmpdir(), "jobforge-e2e-"))
    const program = join(folder, "jobforge.mjs")
    await bundle(program)
    const ports = await freePorts(join(folder, "ports"))
    const own = consul ?? { origin: `http://127.0.0.1:${ports.consul}` }
    const made = new Installation(folder, ports, program, own, setup)
    await made.boot()
    return made
  }

  get registry(): string {
    return `127.0.0.1:${this.ports.registry}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async boot(): Promise<void> {
    this.#child = await startDev(join(this.folder, "data"), this.ports, {
      ...this.#setup,
      program: this.program
    })
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    child.removeAllListeners("exit")
    await new Promise<void>((resolve) => {
      child.once("exit", () => resolve())
      child.kill("SIGKILL")
    })
    this.#child = undefined
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await stopDev(this.#child)
    this.#child = undefined
    rmSync(this.folder, { recursive: true, force: true })
  }

  #run<A>(effect: Effect.Effect<A, unknown, Consul | LogArchive>): Promise<A> {
    const consul = ConsulHttp.layerOf(this.#consul)
    return Effect.runPromise(Effect.provide(effect, Layer.provideMerge(LogArchive.layer(keys), consul)))
  }

  /** A plain KV put, as an operator makes it. */
  put(name: string, record: string | object): Promise<void> {
    const text = typeof record === "string" ? record : JSON.stringify(record)
    return this.#run(Effect.flatMap(Consul, (consul) => consul.put(`${keys.jobs}${name}`, text)))
  }

  status(name: string): Promise<Option.Option<Status>> {
    return this.#run(
      Effect.map(
        Effect.flatMap(Consul, (consul) => consul.get(keys.status(name))),
        Option.flatMap(({ value }) => decode(new TextDecoder().decode(value)))
      )
    )
  }

  /** The status once it satisfies, within 60 s. */
  async until(name: string, what: string, holds: (status: Status) => boolean): Promise<Status> {
    for (let tries = 0; tries < 6; tries++) {
      const look = Effect.promise(() => this.status(name))
      const seen = Effect.map(look, Option.exists(holds))
      const waited = await Effect.runPromise(Effect.option(Effect.sandbox(eventually(what, seen))))
      if (Option.isSome(waited)) break
    }
    const status = Option.getOrThrowWith(await this.status(name), () => new Error(`${name} has no status`))
    if (!holds(status)) throw new Error(`${name} is never ${what}: ${JSON.stringify(status, null, 2)}`)
    return status
  }

  /** The status of a run that is over, its cleaning up included. */
  ended(name: string): Promise<Status> {
    return this.until(
      name,
      "ended",
      ({ status, attempts }) => isTerminal(status) && attempts.every(({ outcome }) => outcome !== undefined)
    )
  }

  log(status: Status, nomadJobId: string, stream: "stdout" | "stderr"): Promise<string> {
    return this.#run(
      Effect.map(
        Effect.flatMap(LogArchive, (archive) => archive.read(status.name, nomadJobId, stream)),
        (bytes) => new TextDecoder().decode(bytes)
      )
    )
  }

  /** Digests by tag of a repository; empty when it has none. */
  async tags(repository: string): Promise<Readonly<Record<string, string>>> {
    const base = `http://${this.registry}/v2/${repository}`
    const listed: unknown = await (await fetch(`${base}/tags/list`)).json()
    const tags = Schema.decodeUnknownOption(Schema.Struct({ tags: Schema.Array(Schema.String) }))(listed)
    const digests: Record<string, string> = {}
    for (const tag of Option.match(tags, { onNone: () => [], onSome: (found) => found.tags })) {
      const accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
      const response = await fetch(`${base}/manifests/${tag}`, { method: "HEAD", headers: { accept } })
      digests[tag] = response.headers.get("docker-content-digest") ?? ""
    }
    return digests
  }
}
