import { Effect, HashMap, type Scope } from "effect"
import { serveEmbedded } from "../../src/embedded/http/EmbeddedServer.ts"
import { type Allocation, emptyState, isClientTerminal } from "../../src/embedded/nomad/machine/NomadState.ts"
import * as TaskEvents from "../../src/embedded/nomad/machine/TaskEvent.ts"
import { NomadEngine } from "../../src/embedded/nomad/server/NomadEngine.ts"
import { handleRequest } from "../../src/embedded/nomad/server/routes.ts"
import { node } from "../embedded/nomad/machine/simulation.ts"

export interface EmbeddedNomadCluster {
  readonly address: string
  readonly startNode: (name: string) => Effect.Effect<void>
  readonly killNode: (name: string) => Effect.Effect<void>
}

/**
 * The embedded servers without their client, which could not die without them: instead clients that only say what a real
 * one says, and whose tasks run on while they are away and begin at once, and never end by themselves.
 */
export const startEmbeddedNomadCluster: Effect.Effect<EmbeddedNomadCluster, never, Scope.Scope> = Effect.gen(
  function* () {
    const engine = yield* Effect.acquireRelease(
      Effect.sync(() => new NomadEngine(emptyState, undefined)),
      (held) => Effect.sync(() => held.close())
    )
    const present = new Set<string>()
    const look = () => {
      for (const allocation of HashMap.values(engine.state.allocations)) {
        const told = present.has(allocation.NodeName) ? reportOf(allocation) : undefined
        if (told !== undefined) engine.execute({ _tag: "UpdateAllocations", updates: [told] })
      }
    }
    engine.listen(() => void setImmediate(look))
    const startNode = (name: string) =>
      Effect.sync(() => {
        present.add(name)
        const id = idOf(name)
        if (!HashMap.has(engine.state.nodes, id)) engine.execute({ _tag: "UpsertNode", node: nodeOf(name) })
        else engine.execute({ _tag: "SetNodeStatus", id, status: "ready" })
      })
    const killNode = (name: string) =>
      Effect.sync(() => {
        present.delete(name)
        engine.execute({ _tag: "SetNodeStatus", id: idOf(name), status: "down" })
      })
    const { address } = yield* Effect.orDie(
      serveEmbedded({
        server: "Nomad",
        host: "127.0.0.1",
        port: 0,
        handle: (exchange) => handleRequest({ engine, ...noClient }, exchange)
      })
    )
    return { address, startNode, killNode }
  }
)

const noClient = {
  admission: () => [],
  client: { allocations: "/nonexistent", collect: () => Promise.resolve(false) },
  facts: { name: "servers", datacenter: "dc1", address: "127.0.0.1:4646" }
}

/** What a client that is there has to say about an allocation of its; nothing when the servers know it. */
const reportOf = (allocation: Allocation) => {
  const { ClientStatus, DesiredStatus, TaskStates } = allocation
  const known = TaskStates?.["main"] ?? TaskEvents.pendingTask
  const told = (clientStatus: Allocation["ClientStatus"], clientDescription: string, state: TaskEvents.TaskState) => ({
    id: allocation.ID,
    clientStatus,
    clientDescription,
    taskStates: { main: state }
  })
  const began = known.StartedAt !== null
  if (DesiredStatus === "run" && !began && ClientStatus === "pending") {
    const started = TaskEvents.withEvent(known, TaskEvents.at(TaskEvents.started, Date.now() * 1e6))
    return told("running", "Tasks are running", {
      ...started,
      State: "running",
      StartedAt: new Date().toISOString()
    })
  }
  // It comes back from being away.
  if (ClientStatus === "unknown" || (ClientStatus === "lost" && known.State === "running")) {
    return told("running", "Tasks are running", known)
  }
  if (DesiredStatus === "run" || isClientTerminal(allocation)) return undefined
  const ended = [TaskEvents.killing(5e9), TaskEvents.killed].reduce(
    (state, event) => TaskEvents.withEvent(state, TaskEvents.at(event, Date.now() * 1e6)),
    known
  )
  return told("complete", "All tasks have completed", {
    ...ended,
    State: "dead",
    FinishedAt: new Date().toISOString()
  })
}

const idOf = (name: string): string => `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0")}`

const nodeOf = (name: string) =>
  node(name, { ID: idOf(name), Attributes: { "kernel.name": "linux" }, Meta: {}, HostVolumes: {} })
