import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import { createWriteStream } from "node:fs"

/** A process that this run started, and that it alone ends: by its id. */
export class OwnProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#ended = new Promise((resolve) => child.once("exit", () => resolve()))
    all.add(child)
    child.once("exit", () => all.delete(child))
  }

  /** Its output goes to the file; each line of stdout is also shown to `onLine`. */
  static start(
    program: string,
    args: ReadonlyArray<string>,
    options: { readonly log: string; readonly env: SpawnOptions["env"]; readonly onLine?: (line: string) => void }
  ): OwnProcess {
    const child = spawn(program, args, { env: options.env, stdio: ["ignore", "pipe", "pipe"] })
    const log = createWriteStream(options.log, { flags: "a" })
    child.stdout.on("data", (chunk: Buffer) => options.onLine?.(chunk.toString()))
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    child.once("close", () => log.end())
    // A program that can't be started also ends: `exit` isn't sent for it.
    child.once("error", (error) => {
      log.write(`${error.message}\n`)
      child.emit("exit", 127)
    })
    return new OwnProcess(child)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.running) this.#child.kill(signal)
    await this.#ended
  }
}

/** What still runs when this process ends, however it ends. */
const all = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of all) child.kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

/** The environment without what would lead a program to other servers than ours. */
export const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CONSUL|NOMAD|VAULT)_/.test(name)))
