import { Effect, type Scope } from "effect"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { type ListenError, serveEmbedded } from "../http/EmbeddedServer.ts"
import { claimFolder } from "./claimFolder.ts"
import { ConsulEngine } from "./ConsulEngine.ts"
import type { AgentIdentity, ConsulContext } from "./ConsulRequest.ts"
import { emptyState } from "./ConsulState.ts"
import { HttpProber } from "./HttpProber.ts"
import { Journal, StoredStateError } from "./Journal.ts"
import { route } from "./routes.ts"

export interface EmbeddedConsulOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Folder that keeps the state across restarts; without it the state is lost with the scope. */
  readonly data?: string
}

/**
 * A Consul server and agent in this process, until the scope closes: KV, transactions, sessions, blocking queries,
 * services and checks, answered as Consul 1.8 does. One node, no ACLs: any token is taken.
 */
export const startEmbeddedConsul = (
  options: EmbeddedConsulOptions
): Effect.Effect<{ readonly address: string; readonly port: number }, ListenError | StoredStateError, Scope.Scope> =>
  Effect.gen(function* () {
    if (options.data !== undefined) yield* claimFolder(options.data)
    const { state, journal } = yield* Effect.acquireRelease(openState(options.data), ({ journal }) =>
      Effect.promise(async () => journal?.close())
    )
    const engine = yield* Effect.acquireRelease(
      Effect.sync(() => new ConsulEngine(state, journal)),
      (engine) => Effect.sync(() => engine.close())
    )
    const prober = yield* Effect.acquireRelease(
      Effect.sync(() => new HttpProber(engine)),
      (prober) => Effect.sync(() => prober.close())
    )
    const context: ConsulContext = { engine, agent: identify(engine, options.host) }
    yield* Effect.try({ try: () => start(context, prober), catch: (cause) => toStoredStateError(options.data, cause) })
    return yield* serveEmbedded({
      server: "Consul",
      host: options.host,
      port: options.port,
      handle: (exchange) => route(context, exchange)
    })
  })

/** The Consul that this one's answers are compared with. */
const version = "1.8.7"

const openState = (data: string | undefined) =>
  Effect.try({
    try: () => (data === undefined ? { state: emptyState, journal: undefined } : Journal.open(data)),
    catch: (cause) => toStoredStateError(data, cause)
  })

const toStoredStateError = (data: string | undefined, cause: unknown): StoredStateError =>
  cause instanceof StoredStateError
    ? cause
    : new StoredStateError({ path: data ?? "(none)", why: cause instanceof Error ? cause.message : String(cause) })

/** The node keeps its id as long as its state is kept. */
const identify = (engine: ConsulEngine, host: string): AgentIdentity => ({
  node: hostname(),
  nodeId: engine.state.node?.id ?? randomUUID(),
  host: host === "0.0.0.0" || host === "::" || host === "localhost" ? "127.0.0.1" : host,
  datacenter: "dc1",
  version
})

const start = ({ engine, agent }: ConsulContext, prober: HttpProber): void => {
  engine.execute({
    _tag: "NodeRegister",
    id: agent.nodeId,
    name: agent.node,
    address: agent.host,
    version: agent.version
  })
  engine.execute({ _tag: "Resume" })
  engine.onChecksChanged = prober.follow
  prober.follow()
}
