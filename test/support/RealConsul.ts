import { Effect, Schedule, Schema, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createServer, type Server } from "node:net"
import { delimiter, join } from "node:path"
import { makeEndpoint } from "../../src/http/Transport.ts"
import { isExecutable } from "../../scripts/support/isExecutable.ts"

/** `CONSUL_BIN`, else the first `consul` on the PATH. */
export const consulProgram = (): string | undefined => {
  const { CONSUL_BIN, PATH } = process.env
  if (CONSUL_BIN !== undefined && CONSUL_BIN !== "") return CONSUL_BIN
  return (PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "consul"))
    .find(isExecutable)
}

export interface RealConsul {
  readonly address: string
  /** Kills the agent and starts it again on the same ports, as empty as it was first. */
  readonly restart: Effect.Effect<void>
}

/** A `consul agent -dev` on ports of its own, ready to take sessions; killed by its process id with the scope. */
export const startRealConsul = (
  program: string,
  settings: Readonly<Record<string, unknown>> = {},
  token?: string
): Effect.Effect<RealConsul, never, Scope.Scope> =>
  Effect.gen(function* () {
    const [http, server, lan, wan] = yield* freePorts
    const address = `http://127.0.0.1:${http}`
    const config = encodeJson({
      ...settings,
      ports: { http, server, serf_lan: lan, serf_wan: wan, dns: -1, grpc: -1, https: -1 }
    })
    const arguments_ = [
      "agent",
      "-dev",
      "-bind",
      "127.0.0.1",
      "-client",
      "127.0.0.1",
      "-log-level",
      "err",
      "-hcl",
      config
    ]
    const start = Effect.sync(() => spawn(program, arguments_, { stdio: "ignore" })).pipe(
      Effect.tap(Effect.orDie(ready(address, token)))
    )
    let running = yield* start
    yield* Effect.addFinalizer(() => Effect.suspend(() => kill(running)))
    return {
      address,
      restart: Effect.gen(function* () {
        yield* kill(running)
        running = yield* start
      })
    }
  })

const encodeJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

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

/** Four at once, so that they differ. */
export const freePorts = Effect.scoped(Effect.all([freePort, freePort, freePort, freePort]))

/** Sessions need the node's own check in the catalog, which comes a moment after the leader. */
const ready = (address: string, token: string | undefined) =>
  Effect.gen(function* () {
    const endpoint = yield* makeEndpoint({
      origin: address,
      headers: token === undefined ? {} : { "x-consul-token": token }
    })
    yield* endpoint.request({ method: "GET", path: "/v1/health/state/passing", timeout: "1 second" }).pipe(
      Effect.filterOrFail(
        ({ body }) => new TextDecoder().decode(body).includes("serfHealth"),
        () => new NotReady()
      ),
      Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(300)))
    )
  }).pipe(Effect.scoped)

class NotReady {
  readonly _tag = "NotReady"
}

export const kill = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
