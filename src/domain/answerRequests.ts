import { cleanupAttempt } from "./run.ts"
import { Action, type JobRequest, type Snapshot } from "./Snapshot.ts"
import { note, start, type Step } from "./Step.ts"
import { isTerminal, type Status } from "./Status.ts"

/**
 * Does what clients asked for once and what the record can't say. Each request is answered by what it changes, or by an
 * event that says why it changes nothing; answering it again would change nothing more.
 */
export const answerRequests = (snapshot: Snapshot, status: Status): Step =>
  snapshot.requests.reduce<Step>((step, request) => answer(snapshot, step, request), { status, actions: [], due: [] })

const answer = (snapshot: Snapshot, step: Step, request: JobRequest): Step => {
  const { status } = step
  const { jobId, verb } = request
  if (status.job_id !== jobId) return ignored(snapshot, step, request, "it is not the record's present run")
  if (verb === "kill") {
    return isTerminal(status.status)
      ? ignored(snapshot, step, request, "the job is over")
      : { ...step, status: { ...status, stopping: status.stopping ?? killed } }
  }
  if (!isTerminal(status.status)) return ignored(snapshot, step, request, "the job is not over yet")
  switch (verb) {
    case "retry":
      return retry(snapshot, step, request)
    case "cleanup":
      return cleanUp(snapshot, step, jobId)
    case "purge":
      return purge(snapshot, step)
  }
}

export const killed = { reason: "Cancelled", message: "Job killed by user" } as const

const ignored = (snapshot: Snapshot, step: Step, { jobId, verb }: JobRequest, why: string): Step => ({
  ...step,
  status: note(step.status, snapshot.now, "RequestIgnored", `${verb} of job ${jobId}: ${why}`)
})

/** Forgets which content the run was made from: the unchanged record is a new generation to it. */
const retry = (snapshot: Snapshot, step: Step, request: JobRequest): Step =>
  snapshot.record._tag === "Valid"
    ? { ...step, status: note({ ...step.status, hash: "" }, snapshot.now, "RetryRequested", "by a client") }
    : ignored(snapshot, step, request, "there is no record to build")

const cleanUp = (snapshot: Snapshot, step: Step, jobId: string): Step => {
  const previous = step.status.attempts.filter(({ phase }) => phase === "cleanup")
  const open = previous.some(({ outcome }) => outcome === undefined)
  const noted = { ...step, status: note(step.status, snapshot.now, "CleanupRequested", "by a client") }
  return open || step.status.temporary_image === undefined
    ? noted
    : start(noted, [cleanupAttempt(jobId, previous.length + 1, snapshot.now)])
}

const purge = (snapshot: Snapshot, step: Step): Step => ({
  ...step,
  status: note(step.status, snapshot.now, "PurgeRequested", "by a client"),
  actions: [
    ...step.actions,
    ...step.status.attempts.flatMap(({ nomad_job_id: nomadJobId, outcome }) =>
      outcome === undefined ? [] : [Action.Purge({ nomadJobId })]
    )
  ]
})
