import { Schema } from "effect"
import { isLastStatus } from "./Allocation.ts"
import { type AllocationStage, NomadEvent } from "./NomadEvent.ts"
import { count, listOf, recordOf, text } from "./optionalFields.ts"

const ChangedEvaluation = Schema.Struct({
  JobID: text,
  Status: text,
  TriggeredBy: text,
  FailedTGAllocs: recordOf(Schema.Unknown)
})
type ChangedEvaluation = typeof ChangedEvaluation.Type

/** At most one of them is there: the other is as empty as Nomad can leave it. */
const Payload = Schema.Struct({
  Allocation: Schema.optionalWith(Schema.Struct({ JobID: text, ClientStatus: text }), {
    nullable: true,
    default: () => ({ JobID: "", ClientStatus: "" })
  }),
  Evaluation: Schema.optionalWith(ChangedEvaluation, {
    nullable: true,
    default: () => ({ JobID: "", Status: "", TriggeredBy: "", FailedTGAllocs: {} })
  })
})

const nothing = Schema.decodeSync(Payload)({})

/** An event as Nomad sends it, reduced to what this product reads. */
export const EventMessage = Schema.Struct({
  Topic: text,
  /** The id of the thing that changed. */
  Key: text,
  Index: count,
  /** Of an allocation or evaluation: first the job's id. */
  FilterKeys: listOf(Schema.String),
  Payload: Schema.optionalWith(Payload, { nullable: true, default: () => nothing })
})
type EventMessage = typeof EventMessage.Type

/** None of a topic that nobody here asks for. */
export const toNomadEvent = (event: EventMessage): ReadonlyArray<NomadEvent> => {
  const { Index: index, Key } = event
  switch (event.Topic) {
    case "Job":
      return [NomadEvent.JobChanged({ jobId: Key, index })]
    case "Allocation":
      return [NomadEvent.AllocationChanged({ jobId: jobOf(event), allocationId: Key, stage: stageOf(event), index })]
    case "Evaluation":
      return [
        NomadEvent.EvaluationChanged({ jobId: jobOf(event), isRoutine: isRoutine(event.Payload.Evaluation), index })
      ]
    case "Node":
      return [NomadEvent.NodeChanged({ nodeId: Key, index })]
    default:
      return []
  }
}

const jobOf = ({ FilterKeys, Payload: { Allocation, Evaluation } }: EventMessage): string =>
  Allocation.JobID || Evaluation.JobID || (FilterKeys[0] ?? "")

/** A status that isn't known here is looked at as soon as what runs. */
const stageOf = ({ Payload: { Allocation } }: EventMessage): AllocationStage => {
  if (isLastStatus(Allocation.ClientStatus)) return "ended"
  return Allocation.ClientStatus === "pending" ? "starting" : "running"
}

const isRoutine = ({ FailedTGAllocs, Status, TriggeredBy }: ChangedEvaluation): boolean =>
  asksForPlace.has(TriggeredBy) &&
  (Status === "pending" || (Status === "complete" && Object.keys(FailedTGAllocs).length === 0))

/** The others stop a job, or come of what has happened to its allocations. */
const asksForPlace = new Set(["job-register", "queued-allocs"])
