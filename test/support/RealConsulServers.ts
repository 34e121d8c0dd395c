import { Effect, Schedule, Schema, type Scope } from "effect"
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeEndpoint } from "../../src/http/Transport.ts"
import { freePorts, kill } from "./RealConsul.ts"

/** One of the servers that elect a leader among them, and an agent of its own. It keeps its ports and its folder. */
export interface RealConsulServer {
  readonly address: string
  /** As a machine that loses its power. */
  readonly kill: Effect.Effect<void>
  /** Done once there is a leader that takes this agent's sessions. */
  readonly start: Effect.Effect<void>
}

/**
 * So many servers of one cluster, running: with two, neither is a majority. They say after a fifth of a second that
 * there is no leader, where they would hold a request for 7 s.
 */
export const startRealConsulServers = (
  program: string,
  count: number
): Effect.Effect<ReadonlyArray<RealConsulServer>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-consul-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
    )
    const ports = yield* Effect.replicateEffect(freePorts, count)
    const peers = ports.flatMap(([, , lan]) => ["-retry-join", `127.0.0.1:${lan}`])
    const common = ["agent", "-server", "-bootstrap-expect", String(count), "-retry-interval", "1s", ...peers].concat([
      "-bind",
      "127.0.0.1",
      "-client",
      "127.0.0.1",
      "-log-level",
      "err"
    ])
    const servers = yield* Effect.forEach(ports, ([http, server, lan, wan], ordinal) => {
      const node = `server-${ordinal}`
      const own = ["-node", node, "-data-dir", join(folder, node), "-hcl", settings({ http, server, lan, wan })]
      return makeServer(program, [...common, ...own], `http://127.0.0.1:${http}`, node)
    })
    yield* Effect.all(
      servers.map(({ start }) => start),
      { concurrency: "unbounded" }
    )
    return servers
  })

const makeServer = Effect.fnUntraced(function* (
  program: string,
  arguments_: ReadonlyArray<string>,
  address: string,
  node: string
) {
  let end: Effect.Effect<void> = Effect.void
  yield* Effect.addFinalizer(() => Effect.suspend(() => end))
  const launch = Effect.sync(() => {
    end = kill(spawn(program, arguments_, { stdio: "ignore" }))
  })
  const server: RealConsulServer = {
    address,
    kill: Effect.suspend(() => end),
    start: Effect.zipRight(launch, Effect.orDie(ready(address, node)))
  }
  return server
})

const settings = ({ http, lan, server, wan }: Readonly<Record<"http" | "server" | "lan" | "wan", number>>): string =>
  encodeJson({
    ports: { http, server, serf_lan: lan, serf_wan: wan, dns: -1, grpc: -1, https: -1 },
    performance: { rpc_hold_timeout: "200ms", raft_multiplier: 1 }
  })

const encodeJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const ready = (address: string, node: string) =>
  Effect.gen(function* () {
    const endpoint = yield* makeEndpoint({ origin: address })
    yield* endpoint.request({ method: "GET", path: `/v1/health/node/${node}`, timeout: "1 second" }).pipe(
      Effect.filterOrFail(
        ({ body }) => new TextDecoder().decode(body).includes("Agent alive"),
        () => "not yet"
      ),
      Effect.retry(Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(600)))
    )
  }).pipe(Effect.scoped)
