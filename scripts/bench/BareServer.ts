import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"

/** What answers cost at the least, in a process of its own: `bareProcess.ts`. */
export class BareServer {
  readonly port: number
  readonly #process: OwnProcess

  private constructor(process: OwnProcess, port: number) {
    this.#process = process
    this.port = port
  }

  static start(options: {
    readonly folder: string
    readonly consul: string
    readonly prefix: string
  }): Promise<BareServer> {
    return new Promise((resolve) => {
      const script = fileURLToPath(new URL("bareProcess.ts", import.meta.url))
      const child: OwnProcess = OwnProcess.start(
        process.execPath,
        ["--import", "tsx", script, options.consul, options.prefix],
        {
          log: join(options.folder, "bare.log"),
          env: cleanEnvironment(),
          onLine: (line) => resolve(new BareServer(child, Number(line)))
        }
      )
    })
  }

  end(): Promise<void> {
    return this.#process.end("SIGKILL")
  }
}
