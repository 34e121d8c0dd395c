import type { AnswerStream, Exchange } from "../../http/EmbeddedServer.ts"
import { allocationView } from "../machine/allocationView.ts"
import type { EventBatch, NomadEvent } from "../machine/NomadState.ts"
import type { NomadEngine } from "./NomadEngine.ts"
import { HttpFault, isKnownNamespace, onlyMethods } from "./NomadRequest.ts"

/**
 * `/v1/event/stream`: what the buffer holds from the asked index on, then everything new. A gap isn't shown: an index
 * that is too old starts with the oldest batch held, one ahead of the log with the newest.
 */
export const eventStreamRoute = (engine: NomadEngine, exchange: Exchange): void => {
  onlyMethods(exchange, "GET")
  const topics = topicsOf(exchange)
  const index = exchange.query.get("index") ?? ""
  if (index !== "" && !/^\d+$/.test(index)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(index)}: invalid syntax`
    throw new HttpFault(400, `Unable to parse index: ${why}`)
  }
  const stream = exchange.stream(200, { "Content-Type": "application/json", "Cache-Control": "no-cache" })
  const send = (batch: EventBatch): void => sendBatch(stream, batch, topics)
  stream.write("{}\n")
  if (isKnownNamespace(exchange)) for (const batch of replayFrom(engine.state.events, Number(index))) send(batch)
  const stopListening = engine.listen((batches) => {
    if (isKnownNamespace(exchange)) for (const batch of batches) send(batch)
  })
  const beat = setInterval(() => stream.write("{}\n"), heartbeatMs)
  exchange.onGone(() => {
    clearInterval(beat)
    stopListening()
  })
}

const heartbeatMs = 30_000

/** Keys wanted of each topic; `*` among either means all. */
type Topics = ReadonlyMap<string, ReadonlySet<string>>

const topicsOf = (exchange: Exchange): Topics => {
  const asked = exchange.query.getAll("topic")
  const topics = new Map<string, Set<string>>()
  for (const text of asked.length === 0 ? ["*"] : asked) {
    const [topic = "", key = "*", ...more] = text.split(":")
    if (more.length > 0) {
      const why = `Invalid key value pair for topic, topic: ${text}`
      throw new HttpFault(400, `Invalid topic query: error parsing topics: ${why}`)
    }
    topics.set(topic, (topics.get(topic) ?? new Set()).add(key))
  }
  return topics
}

const replayFrom = (events: ReadonlyArray<EventBatch>, index: number): ReadonlyArray<EventBatch> => {
  const start = events.findIndex((batch) => batch.Index >= index)
  return start < 0 ? events.slice(-1) : events.slice(start)
}

const sendBatch = (stream: AnswerStream, batch: EventBatch, topics: Topics): void => {
  const events = batch.Events.filter((event) => isWanted(event, topics))
  if (events.length > 0) stream.write(`${JSON.stringify({ Index: batch.Index, Events: events.map(shown) })}\n`)
}

/** An allocation as Nomad shows it, without its job. */
const shown = (event: NomadEvent) => {
  if (event.Payload.Allocation === undefined) return event
  const { Job: _, ...allocation } = allocationView(event.Payload.Allocation)
  return { ...event, Payload: { Allocation: allocation } }
}

const isWanted = (event: NomadEvent, topics: Topics): boolean =>
  [topics.get(event.Topic), topics.get("*")].some(
    (keys) =>
      keys !== undefined &&
      (keys.has("*") || keys.has(event.Key) || (event.FilterKeys ?? []).some((key) => keys.has(key)))
  )
