import { Chunk, type Duration, Effect, Option, Ref, Schedule, Schema, type Scope, Stream } from "effect"
import { type ApiError, Unavailable } from "../http/ApiError.ts"
import { jsonObjects } from "./jsonObjects.ts"
import { type NomadConnection, unavailable } from "./NomadConnection.ts"
import type { EventTopic, NomadEvent } from "./NomadEvent.ts"
import { count, listOf } from "./optionalFields.ts"
import { reconnecting } from "./reconnecting.ts"
import { EventMessage, toNomadEvent } from "./EventMessage.ts"

export interface EventTimings {
  /** Nomad sends a heartbeat every 30 s: two may be late. */
  readonly silence: Duration.DurationInput
  /** The first pause before connecting again; it doubles up to `slowest`. */
  readonly pause: Duration.DurationInput
  readonly slowest: Duration.DurationInput
}

const usual: EventTimings = { silence: "75 seconds", pause: "200 millis", slowest: "15 seconds" }

/** See `Nomad.events`. */
export const changeEvents = (
  connection: NomadConnection,
  topics: ReadonlyArray<EventTopic>,
  fromIndex: Option.Option<number>,
  timings: EventTimings = usual
): Stream.Stream<NomadEvent> =>
  Ref.make(fromIndex).pipe(
    Effect.map((seen) =>
      reconnecting(connect(connection, topics, seen, timings.silence), pauses(timings), (error) =>
        Effect.logWarning("Nomad's event stream is interrupted", error.message)
      )
    ),
    Stream.unwrap,
    // The schedule has no end.
    Stream.orDie
  )

const pauses = ({ pause, slowest }: EventTimings) =>
  Schedule.exponential(pause).pipe(Schedule.union(Schedule.spaced(slowest)), Schedule.jittered)

const connect = (
  connection: NomadConnection,
  topics: ReadonlyArray<EventTopic>,
  seen: Ref.Ref<Option.Option<number>>,
  silence: Duration.DurationInput
): Effect.Effect<Stream.Stream<NomadEvent, ApiError>, ApiError, Scope.Scope> =>
  Effect.gen(function* () {
    const index = yield* Ref.get(seen)
    const response = yield* connection.open(
      {
        operation,
        path: "/v1/event/stream",
        parameters: [
          ...topics.map((topic) => ["topic", topic] as const),
          ...Option.match(index, { onNone: () => [], onSome: (at) => [["index", at] as const] })
        ]
      },
      silence
    )
    return response.body.pipe(
      Stream.mapError(unavailable(operation)),
      jsonObjects,
      Stream.mapChunksEffect((objects) => Effect.map(Effect.forEach(objects, eventsOf(seen)), eventsTogether)),
      Stream.concat(Stream.fail(new Unavailable({ system: "nomad", operation, detail: "Nomad ended the stream" })))
    )
  })

const operation = "events"

// The last index itself is asked for again, since a connection may break in the middle of its events. It isn't kept from
// falling: a restored cluster counts from an older one.
const eventsOf = (seen: Ref.Ref<Option.Option<number>>) =>
  Effect.fnUntraced(function* (object: string) {
    const batch = yield* decodeBatch(object)
    if (batch.Index > 0) yield* Ref.set(seen, Option.some(batch.Index))
    return batch.Events.flatMap(toNomadEvent)
  })

const eventsTogether = (batches: ReadonlyArray<ReadonlyArray<NomadEvent>>): Chunk.Chunk<NomadEvent> =>
  Chunk.unsafeFromArray(batches.flat())

/** A heartbeat is a batch of nothing. */
const Batch = Schema.Struct({ Index: count, Events: listOf(EventMessage) })
type Batch = typeof Batch.Type
const toBatch = Schema.decode(Schema.parseJson(Batch))

// What can't be understood is passed over: connecting again would replay it for ever. The consumer's resync covers it.
const decodeBatch = (object: string): Effect.Effect<Batch> =>
  toBatch(object).pipe(
    Effect.tapError(() => Effect.logWarning("Nomad sent an event that cannot be understood", object.slice(0, 500))),
    Effect.orElseSucceed((): Batch => ({ Index: 0, Events: [] }))
  )
