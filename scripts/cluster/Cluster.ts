import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { bundle } from "../build.ts"
import { ConsulServer, freePorts } from "../chaos/ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"
import { type Registry, startRegistry } from "../../test/jobspec/Registry.ts"
import { provideBuilder } from "./builderImage.ts"
import { Docker } from "./Docker.ts"
import { Nomad } from "./Nomad.ts"
import type { Programs } from "./programs.ts"
import { Vault } from "./Vault.ts"

/** Real engines on free ports of 127.0.0.1, their data in one folder, and the service as production runs it. */
export interface Cluster {
  readonly docker: Docker
  readonly nomad: Nomad
  readonly registry: Registry
  readonly vault: Vault | undefined
  /** The service. */
  readonly url: string
  readonly consul: string
  /** A distribution to begin a Dockerfile with. */
  readonly base: string
  readonly stop: () => Promise<void>
}

export interface ClusterSetup {
  readonly programs: Programs
  readonly folder: string
  /** Of the service, over what it needs to find the engines. */
  readonly environment?: Readonly<Record<string, string>>
  readonly say?: (line: string) => void
}

export const startCluster = async (setup: ClusterSetup): Promise<Cluster> => {
  const started: Array<() => Promise<void>> = []
  // What was started last needs what was started first.
  const stop = async (): Promise<void> => {
    for (const end of started.toReversed()) await end()
  }
  try {
    return { ...(await start(setup, (end) => started.push(end))), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const start = async (
  { environment = {}, folder, programs, say = () => {} }: ClusterSetup,
  toEnd: (end: () => Promise<void>) => void
): Promise<Omit<Cluster, "stop">> => {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  say("consul")
  process.env["CONSUL_BIN"] = programs.consul
  const consul = await ConsulServer.start(folder)
  toEnd(() => consul.kill())
  say("registry")
  const registry = await startRegistry(folder)
  toEnd(() => registry.stop())
  say("docker")
  const docker = await Docker.start(join(folder, "docker"), programs)
  toEnd(() => docker.stop())
  const images = await provideBuilder(docker, say)
  const builder = await push(docker, images.builder, `${registry.host}/${images.builder}`)
  const base = await push(docker, images.base, `${registry.host}/base/${images.base}`)
  const vault = programs.vault === undefined ? undefined : await Vault.start(folder, programs.vault)
  if (vault !== undefined) toEnd(() => vault.stop())
  say("nomad")
  const nomad = await Nomad.start(join(folder, "nomad"), {
    program: programs.nomad,
    dockerHost: docker.host,
    ...(vault === undefined ? {} : { vault: vault.address })
  })
  toEnd(() => nomad.stop())
  await vault?.trust(nomad.address)
  say("jobforge serve")
  const [port = 0] = await freePorts(1)
  const service = await serve(folder, {
    CONSUL_HTTP_ADDR: `127.0.0.1:${consul.port}`,
    NOMAD_ADDR: nomad.address,
    NOMAD_DATACENTERS: "dc1",
    VAULT_ENABLED: String(vault !== undefined),
    SERVER_HOST: "127.0.0.1",
    SERVER_PORT: String(port),
    MONITORING_ENABLED: "false",
    BUILDER_IMAGE: builder,
    PUBLISHER_IMAGE: builder,
    ...environment
  })
  toEnd(() => service.end("SIGTERM"))
  const url = `http://127.0.0.1:${port}`
  await leads(url, service, folder)
  return { docker, nomad, registry, vault, url, consul: `http://127.0.0.1:${consul.port}`, base }
}

const push = async (docker: Docker, image: string, as: string): Promise<string> => {
  await docker.run(["tag", image, as])
  await docker.run(["push", "--quiet", as])
  return as
}

const serve = async (folder: string, environment: Readonly<Record<string, string>>): Promise<OwnProcess> => {
  const program = join(folder, "jobforge.mjs")
  await bundle(program)
  return OwnProcess.start(process.execPath, [program, "serve"], {
    log: join(folder, "jobforge.log"),
    env: { ...cleanEnvironment(), ...environment }
  })
}

const leads = async (url: string, service: OwnProcess, folder: string): Promise<void> => {
  for (let tries = 0; tries < 150 && service.running; tries++) {
    const health = await fetch(`${url}/health`)
      .then((answer) => answer.text())
      .catch(() => "")
    if (health.includes('"self":true')) return
    await pause(200)
  }
  throw new Error(`jobforge serve does not lead: see ${join(folder, "jobforge.log")}`)
}
