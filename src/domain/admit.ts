import type { Contender } from "./Competition.ts"
import { fail, type Refusal } from "./endRun.ts"
import { testCases } from "./resolve.ts"
import { buildSlot, publishSlots, type Slot } from "./slots.ts"
import { type Context, start, type Step } from "./Step.ts"
import type { Attempt, Waiting } from "./Status.ts"

/**
 * Starts a phase that needs something of which there is only one, or only so much, or has the run wait for it.
 *
 * Whoever began to wait earlier goes first. All slots of a phase are taken at once, in the transaction that announces
 * its child, and nothing is waited for while a build's slot is held: so nobody can wait in a circle.
 */
export const admit = (
  context: Context,
  step: Step,
  phase: "build" | "publish",
  attempts: ReadonlyArray<Attempt>
): Step => {
  const wanted = slotsFor(context, phase)
  const obstacle = slotObstacle(context, wanted) ?? (phase === "build" ? capacityObstacle(context) : undefined)
  if (obstacle === undefined) {
    const { waiting: _waiting, ...status } = step.status
    return start({ ...step, status: { ...status, slots: [...new Set([...status.slots, ...wanted])] } }, attempts)
  }
  if (phase === "build" && step.status.on_conflict === "reject" && obstacle.reason === "WaitingForSlot") {
    return fail(context, step, refusal(obstacle))
  }
  const since = step.status.waiting?.since ?? context.snapshot.now
  return {
    ...step,
    status: { ...step.status, waiting: { ...obstacle, slots: [...wanted], since } },
    due: [...step.due, context.snapshot.now + lookAgain]
  }
}

/** Without tests the build itself publishes, so it needs all slots from its registration on. */
const slotsFor = ({ job }: Context, phase: "build" | "publish"): ReadonlyArray<Slot> => {
  if (phase === "publish") return publishSlots(job)
  return testCases(job).length === 0 ? [buildSlot(job), ...publishSlots(job)] : [buildSlot(job)]
}

/** Milliseconds after which a waiting run looks at its position again, should nobody wake it. */
const lookAgain = 30_000

type Obstacle = Pick<Waiting, "reason" | "message" | "holder" | "position">

const slotObstacle = ({ snapshot }: Context, wanted: ReadonlyArray<Slot>): Obstacle | undefined => {
  const { ahead, holders } = snapshot.competition
  const holder = wanted.map((slot) => holders.get(slot)).find((found) => found !== undefined)
  const before = ahead.filter(({ slots }) => wanted.some((slot) => slots.has(slot)))
  const [first = holder] = holder === undefined ? before : [holder]
  if (first === undefined) return undefined
  return {
    reason: "WaitingForSlot",
    message: `${called(first)} ${holder === undefined ? "waits longer for" : "holds"} the same image`,
    holder: asHolder(first),
    position: before.length + 1
  }
}

/** A record that came over HTTP has its first run's id for a name: once is enough. */
const called = ({ jobId, name }: Contender): string => (name === jobId ? `job ${jobId}` : `${name} (job ${jobId})`)

const capacityObstacle = ({ snapshot }: Context): Obstacle | undefined => {
  const { aheadForCapacity, running, runningOfOwner } = snapshot.competition
  const { maxRunning, maxRunningPerOwner } = snapshot.policy
  if (maxRunningPerOwner > 0 && runningOfOwner + aheadForCapacity.ofOwner >= maxRunningPerOwner) {
    return noCapacity(
      `${runningOfOwner} of at most ${maxRunningPerOwner} jobs of this owner run`,
      aheadForCapacity.ofOwner
    )
  }
  if (maxRunning > 0 && running + aheadForCapacity.all >= maxRunning) {
    return noCapacity(`${running} of at most ${maxRunning} jobs run`, aheadForCapacity.all)
  }
  return undefined
}

const noCapacity = (message: string, ahead: number): Obstacle => ({
  reason: "WaitingForCapacity",
  message,
  position: ahead + 1
})

const asHolder = ({ jobId, name }: Contender): NonNullable<Waiting["holder"]> => ({ name, job_id: jobId })

const refusal = ({ message }: Obstacle): Refusal => ({ phase: "build", reason: "SlotTaken", message })
