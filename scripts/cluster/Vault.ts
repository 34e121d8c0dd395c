import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { freePorts } from "../chaos/ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"
import { command } from "./Docker.ts"

/** A Vault (or OpenBao) in its development mode: unsealed, its content in memory, set up by `manifests/vault`. */
export class Vault {
  readonly address: string
  readonly #program: string
  readonly #process: OwnProcess

  private constructor(address: string, program: string, process: OwnProcess) {
    this.address = address
    this.#program = program
    this.#process = process
  }

  static async start(folder: string, program: string): Promise<Vault> {
    const [port = 0] = await freePorts(1)
    const listen = `127.0.0.1:${port}`
    const flags = ["-dev", "-dev-no-store-token", `-dev-root-token-id=${rootToken}`, `-dev-listen-address=${listen}`]
    const log = join(folder, "vault.log")
    const server = OwnProcess.start(program, ["server", ...flags], { log, env: cleanEnvironment() })
    const vault = new Vault(`http://${listen}`, program, server)
    for (let tries = 0; tries < 150; tries++) {
      const answer = await fetch(`${vault.address}/v1/sys/health`).catch(() => undefined)
      if (answer?.status === 200) return vault
      if (!server.running) break
      await pause(200)
    }
    await vault.stop()
    throw new Error(`vault does not answer: see ${log}`)
  }

  /** The policies, the login and the roles that the project gives its users, for the workloads of this Nomad. */
  async trust(nomad: string): Promise<void> {
    await command(["sh", "manifests/vault/setup.sh"], {
      ...this.#manager(),
      VAULT_BIN: this.#program,
      NOMAD_ADDR: nomad
    })
  }

  /** What its own program prints, which may do everything. */
  run(...args: ReadonlyArray<string>): Promise<string> {
    return command([this.#program, ...args], this.#manager())
  }

  /** Gives the path as a record names it. */
  async put(name: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const answer = await fetch(`${this.address}/v1/secret/data/nomad/jobs/${name}`, {
      method: "POST",
      headers: { "x-vault-token": rootToken },
      body: JSON.stringify({ data: fields })
    })
    if (!answer.ok) throw new Error(`vault refuses the secret: ${await answer.text()}`)
    return `secret/data/nomad/jobs/${name}`
  }

  async stop(): Promise<void> {
    await this.#process.end("SIGTERM")
  }

  #manager(): Readonly<Record<string, string>> {
    return { VAULT_ADDR: this.address, VAULT_TOKEN: rootToken }
  }
}

/** Of a Vault that is gone with the process, and that only this machine reaches. */
const rootToken = "cluster-root"
