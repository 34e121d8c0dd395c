import { Option, Schema } from "effect"
import { advance, atRest } from "./advance.ts"
import { answerRequests, killed } from "./answerRequests.ts"
import { beginRun, refuseRun } from "./run.ts"
import type { DesiredRecord } from "./decodeRecord.ts"
import type { Decision, RecordView, Snapshot } from "./Snapshot.ts"
import { isTerminal, type Reason, Status } from "./Status.ts"
import type { Step } from "./Step.ts"
import { faultsText, summarize } from "./summarize.ts"
import { vaultFaults } from "./vaultFaults.ts"

/**
 * The next step that brings the world closer to the record: pure, total and level-triggered. It looks at the states
 * alone, never at what caused the call, so a lost or doubled notification can't change the outcome.
 */
export const decide = (snapshot: Snapshot): Decision =>
  Option.match(snapshot.status, {
    onNone: () => settle(snapshot, first(snapshot)),
    onSome: (status) => settle(snapshot, continueFrom(snapshot, status))
  })

const nothing = (status: Status): Step => ({ status, actions: [], due: [] })

const first = (snapshot: Snapshot): Option.Option<Step> =>
  snapshot.record._tag === "Absent" ? Option.none() : Option.some(judgeRecord(snapshot, snapshot.record, 1, []))

const continueFrom = (snapshot: Snapshot, status: Status): Option.Option<Step> => {
  const asked = answerRequests(snapshot, wanted(snapshot, status))
  const advanced = advance(snapshot, asked.status)
  const current = { ...advanced, actions: [...asked.actions, ...advanced.actions] }
  return Option.some(atRest(current.status, snapshot.policy) ? replace(snapshot, current) : current)
}

/** Marks a run that is not to go on: its record asks for something else, its time is over, or another may end it. */
const wanted = (snapshot: Snapshot, status: Status): Status => {
  const { competition, now, record } = snapshot
  const marked = withErrors(status, record)
  if (isTerminal(status.status) || status.stopping !== undefined) return marked
  const unwanted = otherwise(record, status)
  if (unwanted !== undefined) return { ...marked, stopping: unwanted }
  if (status.deadline_at !== undefined && status.deadline_at <= now) {
    return stopping(marked, "JobTimeout", "the job took longer than it may, waiting included")
  }
  const { superseder } = competition
  return superseder === undefined
    ? marked
    : stopping(marked, "Superseded", `${superseder.name} (job ${superseder.jobId}) takes the image over`)
}

/** Why the record no longer asks for the run that is under way. */
const otherwise = (record: RecordView, status: Status): Status["stopping"] => {
  switch (record._tag) {
    case "Absent":
      return { reason: "Deleted", message: "the record was deleted" }
    // A change that can't be read is no wish to stop what is under way.
    case "Invalid":
      return undefined
    case "Valid":
      if (record.desired.hash !== status.hash) {
        return { reason: "Superseded", message: "a newer generation of the record took over" }
      }
      return record.desired.state === "cancelled" ? killed : undefined
  }
}

const stopping = (status: Status, reason: Reason, message: string): Status => ({
  ...status,
  stopping: { reason, message }
})

const withErrors = (status: Status, record: RecordView): Status => {
  const { errors: _errors, ...rest } = status
  return record._tag === "Invalid" ? { ...rest, errors: record.errors } : rest
}

/** What comes after a run that is at rest: nothing, a tombstone, or the record's next generation. */
const replace = (snapshot: Snapshot, step: Step): Step => {
  const { status } = step
  switch (snapshot.record._tag) {
    case "Absent":
      return { ...step, status: { ...status, hash: "" } }
    case "Invalid":
      return status.error === faults(snapshot.record) ? step : next(snapshot, snapshot.record, step)
    case "Valid":
      return snapshot.record.desired.hash === status.hash ? step : next(snapshot, snapshot.record, step)
  }
}

const next = (snapshot: Snapshot, record: Exclude<RecordView, { _tag: "Absent" }>, { actions, status }: Step): Step => {
  const begun = judgeRecord(snapshot, record, status.generation + 1, status.events)
  // What was asked for of the run that is over is done all the same.
  return { ...begun, actions: [...actions, ...begun.actions], ended: status }
}

const judgeRecord = (
  snapshot: Snapshot,
  record: Exclude<RecordView, { _tag: "Absent" }>,
  generation: number,
  events: Status["events"]
): Step =>
  record._tag === "Invalid"
    ? nothing({
        ...refuseRun(snapshot.name, generation, "", record.reason, faults(record), events, snapshot.now),
        errors: record.errors
      })
    : startRun(snapshot, record.desired, generation, events)

const faults = (record: Extract<RecordView, { _tag: "Invalid" }>): string => faultsText(record.errors)

const startRun = (snapshot: Snapshot, desired: DesiredRecord, generation: number, events: Status["events"]): Step => {
  const { policy, name, now } = snapshot
  const refused = vaultFaults(desired.job, policy)
  if (refused.length > 0) {
    return nothing(refuseRun(name, generation, desired.hash, "InvalidSpec", faultsText(refused), events, now))
  }
  if (desired.state === "cancelled") {
    return nothing(refuseRun(name, generation, desired.hash, killed.reason, killed.message, events, now))
  }
  return advance(snapshot, beginRun(policy, name, generation, desired, events, now))
}

const same = Schema.equivalence(Status)

const settle = (snapshot: Snapshot, step: Option.Option<Step>): Decision =>
  Option.match(step, {
    onNone: () => ({ status: Option.none(), ended: Option.none(), actions: [], handled: [], again: Option.none() }),
    onSome: ({ status, ended, actions, due }) => {
      const before = Option.getOrUndefined(snapshot.status)
      const conditions = before?.conditions ?? []
      const next = summarize(status, conditions, snapshot.now)
      const unchanged = before !== undefined && same(before, { ...next, updated_at: before.updated_at })
      return {
        status:
          unchanged && snapshot.requests.length === 0
            ? Option.none()
            : Option.some({ ...next, updated_at: snapshot.now }),
        ended: Option.map(Option.fromNullable(ended), (last) => ({
          ...summarize(last, conditions, snapshot.now),
          updated_at: snapshot.now
        })),
        actions,
        handled: before === undefined ? [] : snapshot.requests.map(({ id }) => id),
        again: due.length === 0 ? Option.none() : Option.some(Math.max(0, Math.min(...due) - snapshot.now))
      }
    }
  })
