import { randomUUID } from "node:crypto"
import type { Exchange } from "../http/EmbeddedServer.ts"
import { parseGoDuration } from "../http/goDuration.ts"
import { findSession, findSessions } from "./catalogQueries.ts"
import {
  answerQuery,
  checkQueryOptions,
  type ConsulContext,
  type Handler,
  HttpRefusal,
  json,
  refuse
} from "./ConsulRequest.ts"
import type { ConsulState, Session, SessionSpec } from "./ConsulState.ts"
import { DecodeError, decodeJson, GoObject } from "./goJson.ts"
import { checkUuid } from "./kvCommands.ts"
import { answerDone } from "./kvRoutes.ts"
import type { Found } from "./kvQueries.ts"

export const createSession: Handler = async ({ engine, agent }, exchange) => {
  checkQueryOptions(agent, exchange)
  const body = await exchange.readBody(maxBodyBytes)
  const bytes = body._tag === "Whole" ? body.bytes : refuse(413, "Request body too large")
  const session = readSpec(bytes, agent.node)
  const reply = engine.execute({ _tag: "SessionCreate", session })
  if (reply._tag === "Refused") throw new HttpRefusal(500, reply.why)
  exchange.answer(json(exchange, { ID: session.id }))
}

export const destroySession: Handler = ({ engine, agent }, exchange, id) => {
  checkQueryOptions(agent, exchange)
  answerDone(engine, exchange, { _tag: "SessionDestroy", id: given(id) })
}

export const renewSession: Handler = ({ engine, agent }, exchange, id) => {
  checkQueryOptions(agent, exchange)
  const reply = engine.execute({ _tag: "SessionRenew", id: given(id) })
  if (reply._tag === "Refused") throw new HttpRefusal(500, reply.why)
  if (reply._tag !== "SessionFound") throw new HttpRefusal(404, `Session id '${id}' not found`)
  exchange.answer(json(exchange, [sessionJson(reply.session)]))
}

export const readSession: Handler = (context, exchange, id) => {
  checkUuid(given(id))
  answerSessions(context, exchange, [`session:${id}`], (state) => findSession(state, id))
}

export const listSessions: Handler = (context, exchange) =>
  answerSessions(context, exchange, ["sessions"], findSessions)

export const listSessionsOfNode: Handler = (context, exchange, node) =>
  answerSessions(context, exchange, ["sessions"], (state) => {
    const { index, value } = findSessions(state)
    return { index, value: value.filter((session) => session.node === node) }
  })

const maxBodyBytes = 524_288

const answerSessions = (
  context: ConsulContext,
  exchange: Exchange,
  topics: ReadonlyArray<string>,
  find: (state: ConsulState) => Found<ReadonlyArray<Session>>
): void =>
  answerQuery(context, exchange, {
    watch: { _tag: "Topics", topics },
    index: (state) => find(state).index,
    answer: (state) => json(exchange, find(state).value.map(sessionJson))
  })

const given = (id: string): string => (id === "" ? refuse(400, "Missing session") : id)

const sessionJson = (session: Session) => ({
  ID: session.id,
  Name: session.name,
  Node: session.node,
  LockDelay: Math.round(session.lockDelayMs * 1e6),
  Behavior: session.behavior,
  TTL: session.ttl,
  ...(session.olderChecks.length === 0 ? {} : { Checks: session.olderChecks }),
  NodeChecks: session.nodeChecks,
  ServiceChecks: session.serviceChecks?.map((id) => ({ ID: id, Namespace: "" })) ?? null,
  CreateIndex: session.createIndex,
  ModifyIndex: session.modifyIndex
})

const readSpec = (bytes: Buffer, node: string): SessionSpec => {
  try {
    return bytes.length === 0 ? specOf(new GoObject({}, "", ""), node) : specOf(objectOf(bytes), node)
  } catch (error) {
    if (error instanceof DecodeError) throw new HttpRefusal(400, `Request decode failed: ${error.message}`)
    throw error
  }
}

const objectOf = (bytes: Buffer): GoObject => new GoObject(decodeJson(bytes), "", "structs.Session")

const specOf = (fields: GoObject, agentNode: string): SessionSpec => {
  const node = fields.has("Node") ? fields.string("Node") : agentNode
  if (node === "") throw new HttpRefusal(500, "Must provide Node")
  const ttl = fields.string("TTL")
  return {
    id: randomUUID(),
    name: fields.string("Name"),
    node,
    lockDelayMs: lockDelay(fields),
    behavior: behaviorOf(fields),
    ttl,
    ttlMs: ttlOf(ttl),
    ...checksOf(fields)
  }
}

/** Small numbers are seconds, for clients of the first days; the default is 15 s. */
const lockDelay = (fields: GoObject): number => {
  if (!fields.has("LockDelay")) return 15_000
  const ms = fields.duration("LockDelay")
  return typeof fields.value("LockDelay") === "number" && ms < 0.001 ? ms * 1e9 : ms
}

const behaviorOf = (fields: GoObject): SessionSpec["behavior"] => {
  const behavior = fields.string("Behavior")
  if (behavior === "delete") return "delete"
  return behavior === "" || behavior === "release" ? "release" : refuse(500, `Invalid Behavior setting '${behavior}'`)
}

const ttlOf = (ttl: string): number => {
  if (ttl === "") return 0
  const parsed = parseGoDuration(ttl)
  return parsed._tag === "Duration" ? parsed.ms : refuse(500, `Session TTL '${ttl}' invalid: ${parsed.why}`)
}

/** An empty list, or `null`, in one of the two fields empties the other too. */
const checksOf = (fields: GoObject): Pick<SessionSpec, "nodeChecks" | "serviceChecks" | "olderChecks"> => {
  const older = givenList(fields, "Checks")
  const newer = givenList(fields, "NodeChecks")
  const noneOfNode = older?.length === 0
  const noneOfOlder = newer?.length === 0 || older === undefined || isDefault(older)
  return {
    nodeChecks: noneOfNode ? [] : (newer ?? ["serfHealth"]),
    olderChecks: noneOfOlder ? [] : older,
    serviceChecks: fields.objects("ServiceChecks")?.map((check) => check.string("ID")) ?? null
  }
}

const givenList = (fields: GoObject, name: string): ReadonlyArray<string> | undefined =>
  fields.isPresent(name) ? (fields.strings(name) ?? []) : undefined

const isDefault = (checks: ReadonlyArray<string>): boolean => checks.length === 1 && checks[0] === "serfHealth"
