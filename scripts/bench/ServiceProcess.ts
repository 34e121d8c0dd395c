import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { asInTheImage } from "./asInTheImage.ts"
import { freePorts } from "../chaos/ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"
import { serveEnvironment } from "../support/serveEnvironment.ts"
import { reconcilesIn, Scrape } from "./Scrape.ts"

export interface ServiceOptions {
  readonly program: string
  readonly folder: string
  readonly consul: string
  readonly nomad: string
  readonly environment?: Readonly<Record<string, string>>
  /** Arguments for Node itself, as `--cpu-prof`. */
  readonly node?: ReadonlyArray<string>
}

/** One `jobforge serve`, with what the system and the service itself tell about it. */
export class ServiceProcess {
  readonly address: string
  /** `performance.now()` of its start. */
  readonly begun: number
  readonly #process: OwnProcess
  readonly #metrics: string

  private constructor(process: OwnProcess, port: number, metricsPort: number) {
    this.begun = performance.now()
    this.#process = process
    this.address = `http://127.0.0.1:${port}`
    this.#metrics = `http://127.0.0.1:${metricsPort}/metrics`
  }

  static async start(options: ServiceOptions): Promise<ServiceProcess> {
    const [port = 0, metricsPort = 0] = await freePorts(2)
    const child = OwnProcess.start(
      process.execPath,
      [...asInTheImage, ...(options.node ?? []), options.program, "serve"],
      {
        log: join(options.folder, "service.log"),
        env: {
          ...cleanEnvironment(),
          ...serveEnvironment({ consul: options.consul, nomad: options.nomad, port }),
          METRICS_PORT: String(metricsPort),
          RATE_LIMIT: "0",
          LOG_LEVEL: "warn",
          ...options.environment
        }
      }
    )
    return new ServiceProcess(child, port, metricsPort)
  }

  get pid(): number {
    return this.#process.pid
  }

  get running(): boolean {
    return this.#process.running
  }

  /** Whoever waits for it must not wait for ever. */
  mustRun(): void {
    if (!this.running) throw new Error("the service ended: see its log")
  }

  async scrape(): Promise<Scrape> {
    return new Scrape(await (await fetch(this.#metrics)).text())
  }

  /**
   * Once it leads, has nothing to do for a while, and has made at least so many passes since its start: those over what it
   * found in the store come a few at a time, after it has read all of it. Answers with the `performance.now()` of the end of its last look.
   */
  async settled(atLeast = 0): Promise<number> {
    let last = { passes: -1, at: 0 }
    for (;;) {
      this.mustRun()
      const scrape = await this.scrape().catch(() => undefined)
      if (scrape === undefined) {
        await pause(20)
        continue
      }
      const passes = reconcilesIn(scrape)
      if (passes !== last.passes) last = { passes, at: performance.now() }
      if (isIdle(scrape) && passes >= atLeast && performance.now() - last.at > quiet) return last.at
      await pause(20)
    }
  }

  /** Resident bytes. */
  memory(): number {
    const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1]
    return 1024 * Number(kibibytes)
  }

  /** Milliseconds of processor time so far. */
  cpu(): number {
    return cpuOf(this.pid)
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  end(signal: "SIGKILL" | "SIGTERM" = "SIGTERM"): Promise<void> {
    return this.#process.end(signal)
  }
}

const isIdle = (scrape: Scrape): boolean =>
  scrape.sum("leader_election_master_status") === 1 &&
  scrape.sum("workqueue_depth") === 0 &&
  scrape.sum("controller_runtime_active_workers") === 0 &&
  scrape.sum("controller_runtime_max_concurrent_reconciles") > 0

/** Milliseconds without a pass. */
const quiet = 250

export const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  // After the name, which may hold blanks: user and system time are the 12th and 13th, in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return 10 * (Number(fields[11]) + Number(fields[12]))
}
