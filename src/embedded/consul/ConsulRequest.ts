import { randomInt } from "node:crypto"
import type { Answer, Exchange } from "../http/EmbeddedServer.ts"
import { parseGoDuration } from "../http/goDuration.ts"
import type { ConsulEngine, Watched } from "./ConsulEngine.ts"
import type { ConsulState } from "./ConsulState.ts"
import { encodeJson } from "./goJson.ts"

/** What the handlers of all paths work with. */
export interface ConsulContext {
  readonly engine: ConsulEngine
  readonly agent: AgentIdentity
}

/** Who this agent says it is. */
export interface AgentIdentity {
  readonly node: string
  readonly nodeId: string
  /** Where the agent listens, without the port. */
  readonly host: string
  readonly datacenter: string
  /** The Consul whose answers are given. */
  readonly version: string
}

/** Handles one method of one path; `rest` is the decoded path behind the route's own. */
export type Handler = (context: ConsulContext, exchange: Exchange, rest: string) => void | Promise<void>

/** A request that is answered with this status and text. */
export class HttpRefusal extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

export const text = (status: number, body: string): Answer => ({
  status,
  headers: body === "" ? vary : { ...vary, "Content-Type": "text/plain; charset=utf-8" },
  body
})

export const json = (exchange: Exchange, value: unknown, status = 200, headers: Answer["headers"] = {}): Answer => ({
  status,
  headers: { "Content-Type": "application/json", ...vary, ...headers },
  body: encodeJson(value, exchange.query.has("pretty"))
})

/** A query of the state that may block until its index moves. */
export interface Query {
  readonly watch: Watched
  /** The index alone, as cheaply as it can be had: the answer may not be needed yet. */
  readonly index: (state: ConsulState) => number
  /** `Refusal`s pass. */
  readonly answer: (state: ConsulState) => Answer
  /** The catalog and health answers say how consistent they are. */
  readonly saysConsistency?: boolean
}

/** Answers now, or when what is watched has moved beyond `?index`, or after `?wait`. */
export const answerQuery = ({ engine, agent }: ConsulContext, exchange: Exchange, query: Query): void => {
  checkQueryOptions(agent, exchange)
  const minimum = unsigned(exchange.query.get("index") ?? "0") ?? refuse(400, "Invalid index")
  const wait = parseGoDuration(exchange.query.get("wait") || "0")
  if (wait._tag === "Refused") throw new HttpRefusal(400, "Invalid wait time")
  const answer = () => exchange.answer(withMeta(exchange, query, engine.state))
  const fresh = () => minimum === 0n || BigInt(query.index(engine.state)) > minimum
  if (fresh()) return answer()
  const asked = wait.ms <= 0 ? defaultWaitMs : Math.min(wait.ms, maxWaitMs)
  // Consul spreads the ends of queries that began together.
  const until = Date.now() + asked + randomInt(Math.max(1, Math.floor(asked / 16)))
  let giveUp = () => {}
  const again = (why: "changed" | "timeout"): void => {
    if (why === "timeout" || fresh()) answer()
    else giveUp = engine.wait(query.watch, Math.max(until - Date.now(), 0), again)
  }
  giveUp = engine.wait(query.watch, until - Date.now(), again)
  exchange.onGone(() => giveUp())
}

/** The options that every request but the agent's own understands. */
export const checkQueryOptions = (agent: AgentIdentity, exchange: Exchange): void => {
  const { query } = exchange
  if (query.has("stale") && query.has("consistent"))
    throw new HttpRefusal(400, "Cannot specify ?stale with ?consistent, conflicting semantics.")
  const datacenter = query.get("dc")
  if (datacenter !== null && datacenter !== "" && datacenter !== agent.datacenter)
    throw new HttpRefusal(500, "No path to datacenter")
  for (const name of unsupportedOptions)
    if ((query.get(name) ?? "") !== "") throw new HttpRefusal(400, `the embedded Consul does not implement ?${name}`)
}

/** A number from the query that Consul passes to ParseUint and whose refusal it passes on. */
export const unsignedParameter = (exchange: Exchange, name: string): bigint | undefined => {
  const digits = exchange.query.get(name)
  if (digits === null) return undefined
  const value = unsigned(digits)
  const why = /^\d+$/.test(digits) ? "value out of range" : "invalid syntax"
  return value ?? refuse(500, `strconv.ParseUint: parsing ${JSON.stringify(digits)}: ${why}`)
}

export const refuse = (status: number, why: string): never => {
  throw new HttpRefusal(status, why)
}

/** Go's ParseUint: `undefined` for what it refuses. */
const unsigned = (digits: string): bigint | undefined => {
  if (!/^\d+$/.test(digits)) return undefined
  const value = BigInt(digits)
  return value < 2n ** 64n ? value : undefined
}

const vary = { Vary: "Accept-Encoding" }

const defaultWaitMs = 300_000
const maxWaitMs = 600_000

const unsupportedOptions = ["filter", "node-meta", "ns"]

const withMeta = (exchange: Exchange, query: Query, state: ConsulState): Answer => {
  const answer = query.answer(state)
  const consistency = exchange.query.has("stale") ? "stale" : exchange.query.has("consistent") ? "consistent" : "leader"
  return {
    ...answer,
    headers: {
      ...answer.headers,
      ...(query.saysConsistency === true ? { "X-Consul-Effective-Consistency": consistency } : {}),
      "X-Consul-Index": String(query.index(state)),
      "X-Consul-Knownleader": "true",
      "X-Consul-Lastcontact": "0"
    }
  }
}
