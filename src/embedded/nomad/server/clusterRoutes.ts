import type { Exchange } from "../../http/EmbeddedServer.ts"
import type { NomadEngine } from "./NomadEngine.ts"
import { answerRead, HttpFault, isKnownNamespace, jsonAnswer, onlyMethods, written } from "./NomadRequest.ts"
import * as Reads from "./reads.ts"

/** The version whose behaviour this server follows, and which it calls itself. */
export const nomadVersion = "1.10.5"

/** What the agent tells about itself. */
export interface AgentFacts {
  readonly name: string
  readonly datacenter: string
  /** `host:port` of its HTTP. */
  readonly address: string
}

/** `/v1/evaluations` and `/v1/evaluation/<id>…`. */
export const evaluationsRoute = (engine: NomadEngine, exchange: Exchange): void => {
  onlyMethods(exchange, "GET")
  const prefix = checkedPrefix(exchange, "eval")
  answerRead(engine, exchange, isKnownNamespace(exchange) ? Reads.evaluations(prefix) : Reads.nothing([]))
}

export const evaluationRoute = (engine: NomadEngine, exchange: Exchange, rest: string): void => {
  onlyMethods(exchange, "GET")
  const suffix = "/allocations"
  if (rest.endsWith(suffix)) {
    return answerRead(engine, exchange, Reads.allocationsOfEvaluation(rest.slice(0, -suffix.length)))
  }
  answerRead(engine, exchange, Reads.evaluation(checkedId(rest, "eval", "failed to lookup eval: ")))
}

/** `/v1/allocations` and `/v1/allocation/<id>…`. */
export const allocationsRoute = (engine: NomadEngine, exchange: Exchange): void => {
  onlyMethods(exchange, "GET")
  const prefix = checkedPrefix(exchange, "alloc")
  const resources = exchange.query.get("resources") === "true"
  answerRead(engine, exchange, isKnownNamespace(exchange) ? Reads.allocations(prefix, resources) : Reads.nothing([]))
}

export const allocationRoute = (engine: NomadEngine, exchange: Exchange, rest: string): void => {
  const stop = "/stop"
  if (rest.endsWith(stop)) {
    onlyMethods(exchange, "POST", "PUT")
    const reply = engine.execute({ _tag: "StopAllocation", id: checkedId(rest.slice(0, -stop.length), "alloc") })
    if (reply._tag !== "Evaluated") throw new HttpFault(404, "allocation not found")
    return exchange.answer(written({ EvalID: reply.evaluationId, Index: reply.index }, reply.index))
  }
  if (rest.includes("/")) throw new HttpFault(404, "resource not found")
  onlyMethods(exchange, "GET")
  answerRead(engine, exchange, Reads.allocation(checkedId(rest, "alloc")))
}

/** `/v1/nodes` and `/v1/node/<id>…`. */
export const nodesRoute = (engine: NomadEngine, exchange: Exchange): void => {
  onlyMethods(exchange, "GET")
  answerRead(engine, exchange, Reads.nodes(checkedPrefix(exchange, "node")))
}

export const nodeRoute = (engine: NomadEngine, exchange: Exchange, rest: string): void => {
  onlyMethods(exchange, "GET")
  const suffix = "/allocations"
  if (rest.endsWith(suffix)) {
    return answerRead(engine, exchange, Reads.allocationsOfNode(rest.slice(0, -suffix.length)))
  }
  if (rest.includes("/")) throw new HttpFault(501, "only reading is implemented for nodes by this server")
  answerRead(engine, exchange, Reads.node(checkedId(rest, "node")))
}

/** `/v1/system/gc` and `/v1/system/reconcile/summaries`; summaries here are always reconciled. */
export const systemRoute = (engine: NomadEngine, exchange: Exchange, rest: string): void => {
  onlyMethods(exchange, "PUT", "POST")
  if (rest === "gc") engine.execute({ _tag: "CollectGarbage" })
  else if (rest !== "reconcile/summaries") throw new HttpFault(404, "")
  exchange.answer({ status: 200, body: "" })
}

/** `/v1/status/…`, `/v1/regions` and `/v1/agent/…`. */
export const agentRoute = (agent: AgentFacts, exchange: Exchange, path: string): void => {
  const answer = agentAnswers.get(path)
  if (answer === undefined) throw new HttpFault(404, "")
  onlyMethods(exchange, "GET")
  exchange.answer(jsonAnswer(answer(agent)))
}

const rpcAddress = (agent: AgentFacts): string => agent.address.replace(/\d+$/, (port) => String(Number(port) + 1))

const agentAnswers = new Map<string, (agent: AgentFacts) => unknown>([
  ["/v1/status/leader", rpcAddress],
  ["/v1/status/peers", (agent) => [rpcAddress(agent)]],
  ["/v1/regions", () => ["global"]],
  ["/v1/agent/health", () => ({ client: { message: "ok", ok: true }, server: { message: "ok", ok: true } })],
  [
    "/v1/agent/members",
    (agent) => ({
      Members: [memberOf(agent)],
      ServerDC: agent.datacenter,
      ServerName: agent.name,
      ServerRegion: "global"
    })
  ],
  [
    "/v1/agent/self",
    (agent) => ({
      config: configOf(agent),
      member: memberOf(agent),
      stats: { nomad: { leader: "true", server: "true" } }
    })
  ]
])

const memberOf = (agent: AgentFacts) => ({
  Name: `${agent.name}.global`,
  Addr: agent.address.replace(/:\d+$/, ""),
  Port: Number(agent.address.split(":").at(-1)) + 2,
  Status: "alive",
  Tags: { region: "global", dc: agent.datacenter, role: "nomad", build: nomadVersion }
})

const configOf = (agent: AgentFacts) => ({
  Region: "global",
  Datacenter: agent.datacenter,
  NodeName: agent.name,
  Version: { Version: nomadVersion, VersionPrerelease: "", VersionMetadata: "", Revision: "" },
  ACL: { Enabled: false },
  Client: { Enabled: true },
  Server: { Enabled: true, BootstrapExpect: 1 }
})

/** An id is looked up whole. */
export const checkedId = (id: string, kind: string, prefix = ""): string => {
  if (id.length !== 36)
    throw new HttpFault(500, `${prefix}${kind} lookup failed: index error: UUID must be 36 characters`)
  return id
}

const checkedPrefix = (exchange: Exchange, kind: string): string => {
  const prefix = exchange.query.get("prefix") ?? ""
  if (prefix.replaceAll("-", "").length % 2 === 1) {
    throw new HttpFault(500, `${kind} lookup failed: index error: Input (without hyphens) must be even length`)
  }
  return prefix
}
