import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { setTimeout as pause } from "node:timers/promises"
import { consulProgram } from "../../test/support/RealConsul.ts"
import { cleanEnvironment, OwnProcess } from "./OwnProcess.ts"

/** A Consul in a process of its own that keeps its state: the real one where it is installed, else the embedded one. */
export class ConsulServer {
  readonly kind: "real" | "embedded"
  readonly #folder: string
  readonly #program: string | undefined
  readonly #ports: ReadonlyArray<number>
  #process: OwnProcess | undefined
  #port = 0

  private constructor(folder: string, program: string | undefined, ports: ReadonlyArray<number>) {
    this.#folder = folder
    this.#program = program
    this.#ports = ports
    this.kind = program === undefined ? "embedded" : "real"
  }

  /** The real one where it is installed, unless the embedded one is wanted. */
  static async start(folder: string, wanted: "any" | "embedded" = "any"): Promise<ConsulServer> {
    const program = wanted === "any" ? consulProgram() : undefined
    const server = new ConsulServer(folder, program, program === undefined ? [] : await freePorts(4))
    await server.boot()
    return server
  }

  /** Where it listens now: the embedded one may come back elsewhere. */
  get port(): number {
    return this.#port
  }

  async boot(): Promise<void> {
    await (this.#program === undefined ? this.#bootEmbedded() : this.#bootReal(this.#program))
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  async kill(): Promise<void> {
    await this.#process?.end("SIGKILL")
  }

  #bootEmbedded(): Promise<void> {
    const program = fileURLToPath(new URL("../../test/embedded/consul/consulProcess.ts", import.meta.url))
    return new Promise((resolve) => {
      this.#process = OwnProcess.start(
        process.execPath,
        ["--import", "tsx", program, join(this.#folder, "consul-data")],
        {
          log: join(this.#folder, "consul.log"),
          env: cleanEnvironment(),
          onLine: (line) => {
            this.#port = Number(line)
            resolve()
          }
        }
      )
    })
  }

  async #bootReal(program: string): Promise<void> {
    const [http = 0, server = 0, lan = 0, wan = 0] = this.#ports
    const config = join(this.#folder, "consul.json")
    const ports = { http, server, serf_lan: lan, serf_wan: wan, dns: -1, grpc: -1, https: -1 }
    const raft = { raft_multiplier: 1 }
    writeFileSync(config, JSON.stringify({ ports, performance: raft, server: true, bootstrap_expect: 1 }))
    const loopback = ["-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "warn"]
    const files = ["-data-dir", join(this.#folder, "consul-data"), "-config-file", config]
    this.#port = http
    this.#process = OwnProcess.start(program, ["agent", ...loopback, ...files], {
      log: join(this.#folder, "consul.log"),
      env: cleanEnvironment()
    })
    await this.#answers()
  }

  /** Sessions need the node's own check in the catalog, which comes a moment after the leader. */
  async #answers(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      const text = await fetch(`http://127.0.0.1:${this.#port}/v1/health/state/passing`)
        .then((response) => response.text())
        .catch(() => "")
      if (text.includes("serfHealth")) return
      await pause(100)
    }
    throw new Error(`consul does not answer: see ${join(this.#folder, "consul.log")}`)
  }
}

/** Ports that nobody listens on, all different since they are held at the same time. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const probes = Array.from({ length: count }, () => createServer())
  await Promise.all(
    probes.map((probe) => new Promise<void>((resolve) => void probe.listen(0, "127.0.0.1", () => resolve())))
  )
  const ports = probes.map((probe) => {
    const bound = probe.address()
    return typeof bound === "object" && bound !== null ? bound.port : 0
  })
  await Promise.all(probes.map((probe) => new Promise<void>((resolve) => void probe.close(() => resolve()))))
  return ports
}
