import { type Attempt, isTerminal, type Status } from "../domain/Status.ts"
import { phaseOf } from "./failedStep.ts"

/** What to say of a job that has not failed. */
export interface Progress {
  readonly summary: string
  readonly next: string
  readonly attempt?: Attempt
}

export const progressOf = (status: Status): Progress => {
  if (isTerminal(status.status)) return succeeded(status)
  if (status.hindered !== undefined) {
    const { message, reason, since } = status.hindered
    return {
      summary: `The job stands still since ${new Date(since).toISOString()} (${reason}): ${message}.`,
      next: "Wait: it goes on by itself once Nomad does what it is asked; tell an operator if that lasts."
    }
  }
  if (status.stopping !== undefined) {
    return {
      summary: `The job is being stopped (${status.stopping.reason}): ${status.stopping.message}.`,
      next: "Wait until it has ended; nothing more is to be done."
    }
  }
  return waits(status) ?? underWay(status)
}

const succeeded = ({ digest, images }: Status): Progress => ({
  summary: `The job succeeded${digest === undefined ? "" : ` with digest ${digest}`}${images.length === 0 ? "" : `: ${images.slice(0, 3).join(", ")}`}.`,
  next: "Nothing: use the image by its digest."
})

const waits = ({ waiting }: Status): Progress | undefined => {
  if (waiting === undefined) return undefined
  const place = `position ${waiting.position}`
  return waiting.reason === "WaitingForSlot"
    ? {
        summary: `The job waits for its image (${place}): ${waiting.message}.`,
        next:
          waiting.holder === undefined
            ? "Wait for its turn."
            : `Wait until job ${waiting.holder.job_id} of ${waiting.holder.name} has ended, or kill that one if this one should go first.`
      }
    : {
        summary: `The job waits for capacity (${place}): ${waiting.message}.`,
        next: "Wait for its turn, or kill jobs that are no longer wanted."
      }
}

const underWay = (status: Status): Progress => {
  const active = status.attempts.filter(({ outcome, phase }) => outcome === undefined && phase !== "cleanup")
  const [attempt] = active
  if (attempt === undefined) return between(status)
  const subject = `The ${attempt.phase} (attempt ${attempt.attempt}${active.length > 1 ? `, ${active.length} side by side` : ""})`
  const before = earlier(status, attempt)
  if (attempt.waiting !== undefined) {
    return {
      summary: `${subject} is not running yet; Nomad says: ${attempt.waiting}.${before}`,
      next: /vault|missing:/i.test(attempt.waiting)
        ? "Write the secret that Nomad names to Vault, or wait: the attempt fails when it stays away."
        : "Wait for room on a node, or ask for less in resource_limits or test.constraints; the job fails when it stays so.",
      attempt
    }
  }
  if (attempt.started_at === undefined) {
    const place = attempt.node === undefined ? "waits for a node" : `is being started on ${attempt.node}`
    return { summary: `${subject} ${place}.${before}`, next: "Wait: ask again, or for the status with wait.", attempt }
  }
  const until = attempt.deadline_at === undefined ? "" : `; it may until ${new Date(attempt.deadline_at).toISOString()}`
  return {
    summary: `${subject} runs since ${new Date(attempt.started_at).toISOString()}${until}.${before}`,
    next: "Wait: ask again, or for the status with wait; the log shows what it does now.",
    attempt
  }
}

const between = (status: Status): Progress => {
  const [last] = status.attempts.slice(-1)
  const failed = last?.outcome !== undefined && last.outcome.result !== "succeeded" ? last.outcome : undefined
  return {
    summary:
      failed === undefined || last === undefined
        ? `The job is ${status.status}: its next step is about to be started.`
        : `Attempt ${last.attempt} of the ${last.phase} failed (${failed.reason}: ${failed.message}); another one follows.`,
    next: "Wait: ask again, or for the status with wait.",
    ...(last === undefined ? {} : { attempt: last })
  }
}

const earlier = ({ attempts }: Status, { attempt, phase }: Attempt): string => {
  if (attempt === 1) return ""
  const failed = attempts.findLast((each) => each.phase === phase && each.attempt === attempt - 1)?.outcome
  return failed === undefined || failed.result === "succeeded"
    ? ""
    : ` The attempt before it failed: ${failed.reason}, ${failed.message}.`
}

export const phaseUnderWay = (status: Status, { attempt }: Progress) =>
  status.phase ?? (attempt === undefined ? undefined : phaseOf(attempt))
