import { Chunk, Effect, Queue, Schedule, type Scope, Stream, Take } from "effect"
import { type ApiError, Unavailable } from "../../src/http/ApiError.ts"
import type { NomadEvent as StoredEvent } from "../../src/embedded/nomad/machine/NomadState.ts"
import { toNomadEvent } from "../../src/nomad/EventMessage.ts"
import type { EventTopic, NomadEvent } from "../../src/nomad/NomadEvent.ts"
import { reconnecting } from "../../src/nomad/reconnecting.ts"
import type { NomadWorld } from "./NomadWorld.ts"
import type { SimProcess } from "./SimProcess.ts"
import type { Wire } from "./Wire.ts"

/**
 * The event stream: one batch a notification, each of which can get lost, come twice, or be overtaken. A broken
 * connection begins again with `Connected`, and what happened meanwhile is not told.
 */
export const nomadEvents = (
  world: NomadWorld,
  wire: Wire,
  process: SimProcess,
  topics: ReadonlyArray<EventTopic>
): Stream.Stream<NomadEvent> =>
  Stream.orDie(reconnecting(connect(world, wire, process, new Set(topics)), Schedule.spaced("500 millis")))

type Item = Take.Take<NomadEvent, ApiError>

const connect = (
  world: NomadWorld,
  wire: Wire,
  process: SimProcess,
  topics: ReadonlySet<string>
): Effect.Effect<Stream.Stream<NomadEvent, ApiError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const items = yield* Queue.unbounded<Item>()
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        world.listen((batches) => {
          const events = batches.flatMap((batch) =>
            batch.Events.filter(({ Topic }) => topics.has(Topic)).flatMap(eventOf)
          )
          if (events.length > 0) deliver(wire, process, items, events)
        })
      ),
      (stop) => Effect.sync(stop)
    )
    return Stream.repeatEffectChunkOption(Effect.flatMap(Queue.take(items), Take.done))
  })

const deliver = (wire: Wire, process: SimProcess, items: Queue.Enqueue<Item>, events: ReadonlyArray<NomadEvent>) =>
  wire.deliver(process, {
    what: `events ${[...new Set(events.map((event) => ("jobId" in event ? event.jobId : event._tag)))].join(" ")}`,
    pass: () => void items.unsafeOffer(Take.chunk(Chunk.unsafeFromArray(events))),
    lose: () => {},
    fail: () =>
      void items.unsafeOffer(Take.fail(new Unavailable({ system: "nomad", operation: "events", detail: "cut" })))
  })

/** As the text that a real Nomad sends is decoded. */
const eventOf = ({ FilterKeys, Index, Key, Payload, Topic }: StoredEvent): ReadonlyArray<NomadEvent> => {
  const { ClientStatus = "" } = Payload.Allocation ?? {}
  const { FailedTGAllocs = {}, Status = "", TriggeredBy = "" } = Payload.Evaluation ?? {}
  const [JobID = ""] = FilterKeys ?? []
  const both = { Allocation: { JobID, ClientStatus }, Evaluation: { JobID, Status, TriggeredBy, FailedTGAllocs } }
  return toNomadEvent({ Topic, Key, Index, FilterKeys: [], Payload: both })
}
