import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { freePorts } from "../chaos/ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"
import { unmountBelow } from "./Docker.ts"

export interface NomadSetup {
  readonly program: string
  readonly dockerHost: string
  /** Where Vault listens; without it no job can have secrets. */
  readonly vault?: string
}

/** A real Nomad, server and client in one, its client set up with the very lines that README.md has for clients. */
export class Nomad {
  readonly address: string
  /** The layer caches. */
  readonly cache: string
  /** Where each allocation has its folder. */
  readonly allocations: string
  readonly #process: OwnProcess

  private constructor(address: string, cache: string, allocations: string, process: OwnProcess) {
    this.address = address
    this.cache = cache
    this.allocations = allocations
    this.#process = process
  }

  static async start(folder: string, setup: NomadSetup): Promise<Nomad> {
    const cache = join(folder, "buildah-cache")
    const data = join(folder, "data")
    for (const path of [cache, data]) mkdirSync(path, { recursive: true })
    chownSync(cache, 1000, 1000)
    const [http = 0, rpc = 0, serf = 0] = await freePorts(3)
    writeFileSync(join(folder, "client.hcl"), clientSection().replace("/opt/nomad/data/buildah-cache", cache))
    writeFileSync(join(folder, "agent.hcl"), agent({ http, rpc, serf }, data, setup.vault))
    const log = join(folder, "nomad.log")
    const files = ["client.hcl", "agent.hcl"].flatMap((name) => ["-config", join(folder, name)])
    const nomad = OwnProcess.start(
      setup.program,
      ["agent", "-dev", "-bind", "127.0.0.1", "-log-level", "warn", ...files],
      { log, env: { ...withoutClouds(), DOCKER_HOST: setup.dockerHost } }
    )
    const made = new Nomad(`http://127.0.0.1:${http}`, cache, join(data, "alloc"), nomad)
    for (let tries = 0; tries < 300; tries++) {
      const nodes = await made.read("/v1/nodes").catch(() => "")
      if (nodes.includes(`"driver.docker":"true"`) && nodes.includes(`"Status":"ready"`)) return made
      if (!nomad.running) break
      await pause(200)
    }
    await made.stop()
    throw new Error(`no Nomad client with a healthy docker driver: see ${log}`)
  }

  async read(path: string, method: "GET" | "PUT" = "GET"): Promise<string> {
    return (await fetch(this.address + path, { method })).text()
  }

  async stop(): Promise<void> {
    await this.#process.end("SIGTERM")
    // An agent that ends leaves the mounts of secrets behind.
    await unmountBelow(this.allocations)
  }
}

/** The first block of HCL in the README that configures a client. */
const clientSection = (): string => {
  const section = /^```hcl\n(client \{\n[\s\S]*?)^```$/m.exec(readFileSync("README.md", "utf8"))?.[1]
  if (section === undefined) throw new Error("README.md has no client section")
  return section
}

const agent = (
  ports: { readonly http: number; readonly rpc: number; readonly serf: number },
  data: string,
  vault: string | undefined
): string => `
data_dir             = "${data}"
disable_update_check = true
ports {
  http = ${ports.http}
  rpc  = ${ports.rpc}
  serf = ${ports.serf}
}
client {
  enabled   = true
  alloc_dir = "${join(data, "alloc")}"
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean,consul"
  }
}
${vault === undefined ? "" : vaultBlock(vault)}`

const vaultBlock = (address: string): string => `
vault {
  enabled               = true
  address               = "${address}"
  jwt_auth_backend_path = "jwt-nomad"
  default_identity {
    aud = ["vault.io"]
    ttl = "1h"
  }
}
`

/** Clients look for a cloud around them, and trip over what the environment says of proxies and certificates. */
const withoutClouds = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(cleanEnvironment()).filter(([name]) => !/proxy|^SSL_|^AWS_/i.test(name)))
