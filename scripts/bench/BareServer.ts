import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"

/** Something to compare with, in a process of its own: `bareProcess.ts`. */
export class BareServer {
  readonly port: number
  readonly #process: OwnProcess

  private constructor(process: OwnProcess, port: number) {
    this.#process = process
    this.port = port
  }

  static async start(options: {
    readonly folder: string
    readonly consul: string
    readonly prefix: string
  }): Promise<BareServer> {
    const script = fileURLToPath(new URL("bareProcess.ts", import.meta.url))
    let port: number | undefined
    const child = OwnProcess.start(process.execPath, ["--import", "tsx", script, options.consul, options.prefix], {
      log: join(options.folder, "bare.log"),
      env: cleanEnvironment(),
      onLine: (line) => (port = Number(line))
    })
    for (;;) {
      if (port !== undefined) return new BareServer(child, port)
      if (!child.running) throw new Error("the bare server ended: see its log")
      await pause(20)
    }
  }

  end(): Promise<void> {
    return this.#process.end("SIGKILL")
  }
}
