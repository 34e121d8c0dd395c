import { join } from "node:path"
import { freePorts } from "./ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "./OwnProcess.ts"
import { Proxy } from "./Proxy.ts"

export interface ReplicaOptions {
  readonly name: string
  readonly program: string
  readonly folder: string
  readonly consul: () => number
  readonly nomad: () => number
  readonly environment: Readonly<Record<string, string>>
}

/** One `jobforge serve`, with a connection of its own to Consul and to Nomad that can be cut. */
export class Replica {
  readonly consul: Proxy
  readonly nomad: Proxy
  readonly #options: ReplicaOptions
  readonly #port: number
  #process: OwnProcess | undefined

  private constructor(options: ReplicaOptions, consul: Proxy, nomad: Proxy, port: number) {
    this.#options = options
    this.consul = consul
    this.nomad = nomad
    this.#port = port
  }

  static async start(options: ReplicaOptions): Promise<Replica> {
    const [consul, nomad] = await Promise.all([Proxy.to(options.consul), Proxy.to(options.nomad)])
    const [port = 0] = await freePorts(1)
    const replica = new Replica(options, consul, nomad, port)
    replica.boot()
    return replica
  }

  get name(): string {
    return this.#options.name
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  get running(): boolean {
    return this.#process?.running ?? false
  }

  boot(): void {
    const { program, folder, name, environment } = this.#options
    this.#process = OwnProcess.start(process.execPath, [program, "serve"], {
      log: join(folder, `${name}.log`),
      env: {
        ...cleanEnvironment(),
        CONSUL_HTTP_ADDR: this.consul.address,
        NOMAD_ADDR: this.nomad.address,
        SERVER_HOST: "127.0.0.1",
        SERVER_PORT: String(this.#port),
        METRICS_PORT: "0",
        ...environment
      }
    })
  }

  /** As a power cut would end it, or as an orchestrator asks it to. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.#process?.end(signal)
  }

  async close(): Promise<void> {
    await this.end("SIGTERM")
    await Promise.all([this.consul.close(), this.nomad.close()])
  }
}
