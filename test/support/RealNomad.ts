import { Effect, Schedule, type Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { nomadClient, plainNomad } from "./nomadClient.ts"
import { isExecutable } from "../../scripts/support/isExecutable.ts"

/** `NOMAD_BIN`, else the first `nomad` on the PATH. */
export const nomadProgram = (): string | undefined => {
  const { NOMAD_BIN, PATH } = process.env
  if (NOMAD_BIN !== undefined && NOMAD_BIN !== "") return NOMAD_BIN
  return (PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "nomad"))
    .find(isExecutable)
}

export interface RealNomadOptions {
  readonly acl?: boolean
  /** The agent's `vault` block, in HCL. */
  readonly vault?: string
  /** Allocations that have ended and whose folders its client keeps; 50 without it. */
  readonly keptAllocations?: number
}

/**
 * A `nomad agent -dev` on ports and in a folder of its own, with `raw_exec`, once its node takes jobs. Gone with the
 * scope, and its tasks with it.
 */
export const startRealNomad = (
  program: string,
  options: RealNomadOptions = {}
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { acl = false, vault } = options
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-nomad-"))),
      (path) => Effect.promise(() => removeNomadFolder(path))
    )
    const [http, rpc, serf] = yield* freePorts
    const config = join(folder, "agent.json")
    yield* Effect.promise(() => writeFile(config, settings(http, rpc, serf, options)))
    const vaultConfig = join(folder, "vault.hcl")
    if (vault !== undefined) yield* Effect.promise(() => writeFile(vaultConfig, vault))
    const configs = [config, ...(vault === undefined ? [] : [vaultConfig])].flatMap((path) => ["-config", path])
    const { HOME = folder, PATH = "" } = process.env
    // Its clients look for a cloud around them, and trip over what the environment says of proxies and certificates.
    const env = { HOME, PATH, TMPDIR: folder }
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(program, ["agent", "-dev", "-bind", "127.0.0.1", "-log-level", "error", ...configs], {
          env,
          stdio: "ignore"
        })
      ),
      end
    )
    const address = `http://127.0.0.1:${http}`
    yield* Effect.orDie(acl ? Effect.asVoid(hasLeader(address)) : Effect.asVoid(ready(address)))
    return address
  })

const settings = (
  http: number,
  rpc: number,
  serf: number,
  { acl = false, keptAllocations = 50, vault }: RealNomadOptions
): string => `{
  "acl": { "enabled": ${acl} },
  "ports": { "http": ${http}, "rpc": ${rpc}, "serf": ${serf} },
  "plugin": [{ "raw_exec": [{ "config": [{ "enabled": true }] }] }],
  "client": [{
    "enabled": true,
    "gc_max_allocs": ${keptAllocations},
    "options": {
      "fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean,consul${vault === undefined ? ",vault" : ""}"
    }
  }]
}`

/** A task that ran to the last leaves the mount of its secrets behind. */
export const removeNomadFolder = async (folder: string): Promise<void> => {
  const mounts = (await readFile("/proc/mounts", "utf8").catch(() => "")).split("\n")
  const left = mounts.flatMap((line) => line.split(" ").filter((part) => part.startsWith(`${folder}/`)))
  for (const mount of left) spawnSync("/bin/umount", ["-l", mount])
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

const freePort: Effect.Effect<number, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer()
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
  ),
  (server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }
)

/** Three at once, so that they differ. */
export const freePorts = Effect.scoped(Effect.all([freePort, freePort, freePort]))

const ready = (address: string) =>
  Effect.flatMap(nomadClient(plainNomad(address)), (nomad) =>
    nomad.nodes().pipe(
      Effect.filterOrFail(
        (nodes) => nodes.some(({ Drivers, Status }) => Status === "ready" && Drivers["raw_exec"]?.Healthy === true),
        () => "not ready yet"
      ),
      Effect.retry(patience)
    )
  ).pipe(Effect.scoped)

/** Who may see the nodes is known only after the bootstrap. */
const hasLeader = (address: string) =>
  Effect.flatMap(nomadClient(plainNomad(address)), (nomad) => Effect.retry(nomad.leader(), patience)).pipe(
    Effect.scoped
  )

export const patience = Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(200))

/** An interrupted dev agent ends its tasks first; a killed one would leave them behind. */
const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const impatience = setTimeout(() => child.kill("SIGKILL"), 15_000)
    child.once("exit", () => {
      clearTimeout(impatience)
      resume(Effect.void)
    })
    child.kill("SIGINT")
  })
