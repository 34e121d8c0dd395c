import { Effect, Schema, Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nomadClient, plainNomad } from "./nomadClient.ts"
import { freePorts, patience, removeNomadFolder } from "./RealNomad.ts"

/** An agent in a process of its own, which keeps its ports and its folder. */
interface RealAgent {
  /** As a machine that loses its power; what a client ran goes on. */
  readonly kill: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

export interface RealNomadCluster {
  /** Of the first server. */
  readonly address: string
  readonly servers: ReadonlyArray<RealAgent>
  /** A client of this name, once it takes jobs; the second time, it has what it had. */
  readonly startNode: (name: string) => Effect.Effect<void>
  readonly killNode: (name: string) => Effect.Effect<void>
}

/**
 * Servers apart from their clients: with two servers, neither is a majority. A client that is silent for some 3 s counts
 * as down.
 */
export const startRealNomadCluster = (
  program: string,
  count: number
): Effect.Effect<RealNomadCluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-nomad-"))),
      (path) => Effect.promise(() => endAll(path).then(() => removeNomadFolder(path)))
    )
    const ports = yield* Effect.replicateEffect(freePorts, count)
    const peers = ports.map(([, , serf]) => `127.0.0.1:${serf}`)
    const launch = (name: string, [http, rpc, serf]: Ports, role: Readonly<Record<string, unknown>>) =>
      makeAgent(program, join(folder, name), {
        name,
        ports: { http, rpc, serf },
        plugin: [{ raw_exec: [{ config: [{ enabled: true }] }] }],
        ...role
      })
    const servers = yield* Effect.forEach(ports, (own, ordinal) =>
      launch(`server-${ordinal}`, own, { server: [serverSettings(count, peers)] })
    )
    for (const server of servers) yield* server.start
    const address = `http://127.0.0.1:${ports[0]?.[0] ?? 0}`
    const nomad = yield* nomadClient(plainNomad(address))
    yield* Effect.orDie(Effect.retry(nomad.leader(), patience))
    const nodes = new Map<string, RealAgent>()
    const scope = yield* Effect.scope
    const known = `127.0.0.1:${ports[0]?.[1] ?? 0}`
    const startNode = Effect.fnUntraced(function* (name: string) {
      const role = { client: [clientSettings(known)] }
      const own = nodes.get(name) ?? (yield* Scope.extend(launch(name, yield* freePorts, role), scope))
      nodes.set(name, own)
      yield* own.start
      yield* nomad.nodes().pipe(
        Effect.filterOrFail(
          (all) => all.some((node) => node.Name === name && node.Status === "ready"),
          () => "not yet"
        ),
        Effect.retry(patience),
        Effect.orDie
      )
    })
    return { address, servers, startNode, killNode: (name) => nodes.get(name)?.kill ?? Effect.void }
  })

type Ports = Effect.Effect.Success<typeof freePorts>

const serverSettings = (count: number, peers: ReadonlyArray<string>) => ({
  enabled: true,
  bootstrap_expect: count,
  raft_multiplier: 1,
  server_join: [{ retry_join: peers, retry_interval: "1s" }],
  min_heartbeat_ttl: "1s",
  heartbeat_grace: "1s",
  failover_heartbeat_ttl: "5s"
})

const clientSettings = (server: string) => ({
  enabled: true,
  servers: [server],
  options: { "fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean,consul,vault" }
})

const makeAgent = Effect.fnUntraced(function* (
  program: string,
  folder: string,
  settings: Readonly<Record<string, unknown>>
) {
  const config = join(folder, "agent.json")
  const data = join(folder, "data")
  const text = encodeJson({
    ...settings,
    data_dir: data,
    bind_addr: "127.0.0.1",
    advertise: { http: "127.0.0.1", rpc: "127.0.0.1", serf: "127.0.0.1" },
    log_level: "ERROR"
  })
  yield* Effect.promise(() => mkdir(data, { recursive: true }).then(() => writeFile(config, text)))
  let running: ChildProcess | undefined
  const { HOME = folder, PATH = "" } = process.env
  const agent: RealAgent = {
    kill: Effect.suspend(() => (running === undefined ? Effect.void : killed(running))),
    start: Effect.sync(() => {
      running = spawn(program, ["agent", "-config", config], { env: { HOME, PATH, TMPDIR: folder }, stdio: "ignore" })
    })
  }
  yield* Effect.addFinalizer(() => agent.kill)
  return agent
})

const encodeJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const killed = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/** What a killed client leaves behind: its plugins and tasks, which have this folder in their environment. */
const endAll = async (folder: string): Promise<void> => {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/u.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
    if (!environment.includes(`${folder}/`)) continue
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended meanwhile.
    }
  }
}
