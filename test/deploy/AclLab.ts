import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { freePorts } from "../../scripts/chaos/ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "../../scripts/chaos/OwnProcess.ts"
import { provideBuilder } from "../../scripts/cluster/builderImage.ts"
import { command, Docker, unmountBelow } from "../../scripts/cluster/Docker.ts"
import type { Programs } from "../../scripts/cluster/programs.ts"
import { Vault } from "../../scripts/cluster/Vault.ts"
import { type Registry, startRegistry } from "../jobspec/Registry.ts"

/** Real engines that deny what nobody allowed, set up with nothing but what `manifests/` has for operators. */
export interface AclLab {
  readonly docker: Docker
  readonly registry: Registry
  readonly consul: Engine
  readonly nomad: Engine
  /** Where there is none to be had the service does without. */
  readonly vault: Vault | undefined
  readonly builder: string
  readonly stop: () => Promise<void>
}

/** An engine's address, and its own command line as its first manager. */
export interface Engine {
  readonly address: string
  readonly token: string
  readonly run: (...args: ReadonlyArray<string>) => Promise<string>
  /** With a token of one's own choice; none is nobody. */
  readonly ask: (method: string, path: string, options?: Ask) => Promise<Answer>
}

export interface Ask {
  readonly token?: string
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly text: string
}

export const startAclLab = async (folder: string, programs: Programs): Promise<AclLab> => {
  const started: Array<() => Promise<void>> = []
  const stop = async (): Promise<void> => {
    for (const end of started.toReversed()) await end()
  }
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const [http = 0, server = 0, lan = 0, wan = 0, ...nomadPorts] = await freePorts(7)
    const consul = await startConsul(folder, programs.consul, { http, server, serf_lan: lan, serf_wan: wan }, started)
    // Nomad's agents need a token before Consul can verify what they sign.
    const rules = ["-name", "nomad-agent", "-rules", "@manifests/consul/nomad-agent.policy.hcl"]
    await consul.run("acl", "policy", "create", ...rules)
    const registry = await startRegistry(folder)
    started.push(() => registry.stop())
    const docker = await Docker.start(join(folder, "docker"), programs)
    started.push(() => docker.stop())
    const made = await provideBuilder(docker, () => {})
    // From a registry, as a client has it: what is only there may be tidied away between two steps.
    const builder = `${registry.host}/${made.builder}`
    await docker.run(["tag", made.builder, builder])
    await docker.run(["push", "--quiet", builder])
    const agentToken = await consulToken(consul, "nomad-agent")
    const vault = programs.vault === undefined ? undefined : await Vault.start(folder, programs.vault)
    started.push(async () => vault?.stop())
    const nomad = await startNomad(folder, { ports: nomadPorts, programs, consul, vault, agentToken, docker }, started)
    await setUpConsul(consul, programs.consul, nomad.address)
    await vault?.trust(nomad.address)
    const allowed = [
      "-namespace",
      "default",
      "-job",
      "jobforge",
      "jobforge-service",
      "manifests/nomad/service.policy.hcl"
    ]
    await nomad.run("acl", "policy", "apply", ...allowed)
    return { docker, registry, consul, nomad, vault, builder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A token with these policies of Consul's. */
export const consulToken = async (consul: Engine, ...policies: ReadonlyArray<string>): Promise<string> => {
  const body = JSON.stringify({ Policies: policies.map((Name) => ({ Name })) })
  return fieldOf((await consul.ask("PUT", "/v1/acl/token", { token: consul.token, body })).text, "SecretID")
}

/** A field with a text of a JSON object, or of the first one in a list. */
export const fieldOf = (text: string, name: string): string => {
  const value = new RegExp(`"${name}": ?"([^"]*)"`).exec(text)?.[1]
  if (value === undefined) throw new Error(`no ${name} in ${text}`)
  return value
}

/** Looks every 200 ms for at most so many seconds. */
export const until = async (what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < seconds * 5; tries++) {
    if (await holds().catch(() => false)) return
    await pause(200)
  }
  throw new Error(`it did not come true within ${seconds} s that ${what}`)
}

type Ends = Array<() => Promise<void>>

const startConsul = async (
  folder: string,
  program: string,
  ports: Readonly<Record<"http" | "server" | "serf_lan" | "serf_wan", number>>,
  started: Ends
): Promise<Engine> => {
  const config = join(folder, "consul.json")
  writeFileSync(
    config,
    JSON.stringify({
      ports: { ...ports, dns: -1, grpc: -1, https: -1 },
      performance: { raft_multiplier: 1 },
      acl: { enabled: true, default_policy: "deny" },
      server: true,
      bootstrap_expect: 1
    })
  )
  const loopback = ["-bind", "127.0.0.1", "-client", "127.0.0.1", "-data-dir", join(folder, "consul")]
  const process_ = OwnProcess.start(program, ["agent", ...loopback, "-config-file", config], {
    log: join(folder, "consul.log"),
    env: cleanEnvironment()
  })
  started.push(() => process_.end("SIGKILL"))
  const address = `http://127.0.0.1:${ports.http}`
  const token = await bootstrap("x-consul-token", address)
  const consul = engine(program, address, token, "x-consul-token", "CONSUL_HTTP")
  await consul.ask("PUT", "/v1/agent/token/agent", { token, body: JSON.stringify({ Token: token }) })
  await until("Consul knows its own node", 30, async () =>
    (await consul.ask("GET", "/v1/health/state/passing", { token })).text.includes("serfHealth")
  )
  return consul
}

const setUpConsul = (consul: Engine, program: string, nomad: string): Promise<string> =>
  command(["manifests/consul/setup.sh"], {
    CONSUL_BIN: program,
    CONSUL_HTTP_ADDR: consul.address,
    CONSUL_HTTP_TOKEN: consul.token,
    NOMAD_ADDR: nomad
  })

interface NomadSetup {
  readonly ports: ReadonlyArray<number>
  readonly programs: Programs
  readonly consul: Engine
  readonly vault: Vault | undefined
  readonly agentToken: string
  readonly docker: Docker
}

const startNomad = async (folder: string, setup: NomadSetup, started: Ends): Promise<Engine> => {
  const { agentToken, consul, docker, ports, programs, vault } = setup
  const cache = join(folder, "buildah-cache")
  const data = join(folder, "nomad")
  for (const path of [cache, data]) mkdirSync(path, { recursive: true })
  chownSync(cache, 1000, 1000)
  const files = [
    ["client.hcl", readFileSync("manifests/client.hcl", "utf8").replaceAll("/opt/nomad/data/buildah-cache", cache)],
    [
      "consul.hcl",
      readFileSync("manifests/consul/nomad-agent.hcl", "utf8").replace("127.0.0.1:8500", new URL(consul.address).host)
    ],
    [
      "vault.hcl",
      vault === undefined
        ? ""
        : readFileSync("manifests/vault/nomad-agent.hcl", "utf8").replace("http://127.0.0.1:8200", vault.address)
    ],
    ["agent.hcl", agentOf(ports, data)]
  ] as const
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
  const configs = files.flatMap(([name]) => ["-config", join(folder, name)])
  const environment = { ...withoutClouds(), DOCKER_HOST: docker.host, CONSUL_HTTP_TOKEN: agentToken }
  const process_ = OwnProcess.start(programs.nomad, ["agent", "-dev", "-bind", "127.0.0.1", ...configs], {
    log: join(folder, "nomad.log"),
    env: environment
  })
  started.push(async () => {
    await process_.end("SIGTERM")
    await unmountBelow(data)
  })
  const address = `http://127.0.0.1:${ports[0]}`
  const token = await bootstrap("x-nomad-token", address)
  const nomad = engine(programs.nomad, address, token, "x-nomad-token", "NOMAD")
  await until("a client of Nomad's takes docker jobs", 60, async () => {
    const { text } = await nomad.ask("GET", "/v1/nodes", { token })
    return text.includes('"driver.docker":"true"') && text.includes('"Status":"ready"')
  })
  return nomad
}

const agentOf = ([http, rpc, serf]: ReadonlyArray<number>, data: string): string => `
data_dir             = "${data}"
disable_update_check = true
acl {
  enabled = true
}
ports {
  http = ${http}
  rpc  = ${rpc}
  serf = ${serf}
}
client {
  enabled   = true
  alloc_dir = "${join(data, "alloc")}"
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
  }
}
`

/** Both have it the same way: once, whoever comes first. */
const bootstrap = async (header: string, address: string): Promise<string> => {
  let token = ""
  await until(`${address} has a first manager`, 60, async () => {
    const answer = await ask(header, address, "PUT", "/v1/acl/bootstrap")
    if (answer.status === 200) token = fieldOf(answer.text, "SecretID")
    return token !== ""
  })
  return token
}

const engine = (program: string, address: string, token: string, header: string, variables: string): Engine => ({
  address,
  token,
  run: (...args) => command([program, ...args], { [`${variables}_ADDR`]: address, [`${variables}_TOKEN`]: token }),
  ask: (method, path, options) => ask(header, address, method, path, options)
})

const ask = async (
  header: string,
  address: string,
  method: string,
  path: string,
  options: Ask = {}
): Promise<Answer> => {
  const answer = await fetch(address + path, {
    method,
    headers: options.token === undefined ? {} : { [header]: options.token },
    ...(options.body === undefined ? {} : { body: options.body })
  })
  return { status: answer.status, text: await answer.text() }
}

/** Clients look for a cloud around them, and trip over what the environment says of proxies and certificates. */
const withoutClouds = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(cleanEnvironment()).filter(([name]) => !/proxy|^SSL_|^AWS_/i.test(name)))
