import type { Boundary } from "./Fault.ts"
import { logsAreKept } from "./oracles/logsAreKept.ts"
import { Leftovers } from "./oracles/Leftovers.ts"
import { oneLiveChild } from "./oracles/oneLiveChild.ts"
import type { Oracle } from "./oracles/Oracle.ts"
import { publishedOnce } from "./oracles/publishedOnce.ts"
import { recordsAreAnswered, unanswered } from "./oracles/recordsAreAnswered.ts"
import { openRequests, requestsAreAnswered } from "./oracles/requestsAreAnswered.ts"
import { slotsAreExclusive } from "./oracles/slotsAreExclusive.ts"
import { StatusBook } from "./oracles/StatusBook.ts"
import { terminalIsFinal } from "./oracles/terminalIsFinal.ts"
import { webhooksAreTold } from "./oracles/webhooksAreTold.ts"
import type { Plan } from "./Plan.ts"
import { keys } from "./Replica.ts"
import { World } from "./World.ts"

/** What came of a history. */
export interface Run {
  /** What must never be and was, or what should be at rest and wasn't. */
  readonly violations: ReadonlyArray<string>
  /** How each record ended: `web: SUCCEEDED`, `web: FAILED (TestFailed)`. */
  readonly outcomes: ReadonlyArray<string>
  /** Boundaries that were crossed until it came to rest. */
  readonly count: number
  /** Only when recorded. */
  readonly boundaries: ReadonlyArray<Boundary>
  readonly trace: ReadonlyArray<string>
}

/** Plays a history to its end: faults as planned, then none, then rest, and then nothing may happen any more. */
export const simulate = (plan: Plan, recording = false): Run => {
  const world = new World(plan, recording)
  const violations: Array<string> = []
  const report = (violation: string) => {
    world.note(`VIOLATION ${violation}`)
    violations.push(violation)
  }
  const book = new StatusBook(world)
  const leftovers = new Leftovers(world, report)
  const oracles = [...allOracles(world, book, report), leftovers]
  let lastWrite = 0
  world.consul.observe(({ keys: changed }) => {
    if (changed.some((key) => key !== keys.leader)) lastWrite = world.elapsed
    if (recording) for (const key of changed) noteStatus(world, book, key)
  })
  const failed = () => violations.length > 0 || world.bugs.length > 0
  const { calmAt } = plan

  // While faults may come nobody waits for them longer than it takes to settle.
  world.run(calmAt, failed)
  const count = world.boundaries.count
  world.calm()
  let lookedAt = 0
  const settled = () => {
    if (world.elapsed < Math.max(lastWrite, world.disturbed) + stable || world.elapsed < lookedAt + between)
      return false
    lookedAt = world.elapsed
    return unanswered(world, book).length === 0 && leftovers.all.length === 0 && openRequests(world).length === 0
  }
  world.run(calmAt + bound, () => failed() || settled())
  if (!failed()) for (const oracle of oracles) oracle.atRest()
  if (!failed()) watchQuiet(world, report)
  for (const bug of world.bugs) report(`the product calls it a bug: ${bug}`)
  return {
    violations,
    outcomes: book.all.map(
      ({ name, status, reason }) => `${name}: ${status}${reason === undefined ? "" : ` (${reason})`}`
    ),
    count,
    boundaries: world.boundaries.seen,
    trace: world.trace
  }
}

/** Milliseconds without a write after which the world counts as settled: longer than any pause before a retry. */
const stable = 120_000
/** Milliseconds between two looks at whether everything is answered. */
const between = 10_000
/** Milliseconds in which it must settle: what hangs is ended by limits of ten minutes, a few attempts long. */
const bound = 90 * 60_000
/** Milliseconds in which nothing may be written any more: longer than the controller's resync. */
const quiet = 6 * 60_000

const allOracles = (world: World, book: StatusBook, report: (violation: string) => void): ReadonlyArray<Oracle> => [
  terminalIsFinal(world, book, report),
  oneLiveChild(world, report),
  publishedOnce(world, book, report),
  slotsAreExclusive(world, book, report),
  recordsAreAnswered(world, book, report),
  logsAreKept(world, book, report),
  webhooksAreTold(world, book, report),
  requestsAreAnswered(world, book, report)
]

const watchQuiet = (world: World, report: (violation: string) => void): void => {
  let armed = true
  world.consul.observe(({ keys: changed }) => {
    const written = changed.filter((key) => key !== keys.leader)
    if (armed && written.length > 0) report(`written at rest: ${written.join(", ")}`)
  })
  world.run(world.elapsed + quiet, () => false)
  armed = false
}

const noteStatus = (world: World, book: StatusBook, key: string): void => {
  if (!key.startsWith(keys.statuses)) return
  const status = book.of(key.slice(keys.statuses.length))
  if (status === undefined) return
  const attempts = status.attempts.map(
    ({ nomad_job_id: id, outcome, seen, stop }) =>
      `${id.replace(status.job_id ?? "", "*")}=${outcome === undefined ? (seen ? "seen" : "intended") : "reason" in outcome ? outcome.reason : outcome.result}${stop === undefined ? "" : " stop"}`
  )
  world.note(
    `${status.name} generation ${status.generation} ${status.status} ${status.reason ?? ""} ${attempts.join(" ")}`
  )
}
