import { expiredOutput } from "./catalogCommands.ts"
import type { ConsulCommand } from "./ConsulCommand.ts"
import type { Check, ConsulState, Session, Tombstone } from "./ConsulState.ts"
import { eachUnder } from "./SortedMap.ts"

/**
 * What time asks for at `now` (ms): expired sessions, heartbeats that didn't come, services that were critical for too
 * long, outputs to sync, tombstones to reap. Whoever drives the state applies them as commands of their own, so that a
 * replay needs no clock; then it goes on with the state's `due` moved by `settleDue`.
 */
export const dueCommands = (state: ConsulState, now: number): ReadonlyArray<ConsulCommand> => {
  const commands: Array<ConsulCommand> = []
  const isDue = (time: number) => time !== 0 && time <= now
  let reap = false
  eachUnder(state.checks, "", (check: Check) => {
    const { id, serviceId } = check.spec
    if (isDue(check.ttlDeadline)) {
      commands.push({ _tag: "CheckUpdate", id, status: "critical", output: expiredOutput(check), from: "expired" })
    }
    if (isDue(check.syncAt)) commands.push({ _tag: "CheckSync", id })
    if (isDue(check.deregisterAt)) commands.push({ _tag: "ServiceDeregister", id: serviceId })
  })
  eachUnder(state.sessions, "", (session: Session) => {
    if (isDue(session.expiresAt)) commands.push({ _tag: "SessionDestroy", id: session.id })
  })
  eachUnder(state.tombstones, "", (tombstone: Tombstone) => {
    reap ||= isDue(tombstone.expiresAt)
  })
  if (reap) commands.push({ _tag: "TombstonesReap", until: now })
  return commands
}

/** The state with the exact time of its next time-out, after what was due has been applied. */
export const settleDue = (state: ConsulState): ConsulState => {
  let due = Number.POSITIVE_INFINITY
  const note = (time: number) => {
    if (time !== 0 && time < due) due = time
  }
  eachUnder(state.checks, "", (check: Check) => {
    note(check.ttlDeadline)
    note(check.syncAt)
    note(check.deregisterAt)
  })
  eachUnder(state.sessions, "", (session: Session) => note(session.expiresAt))
  eachUnder(state.tombstones, "", (tombstone: Tombstone) => note(tombstone.expiresAt))
  return due === state.due ? state : { ...state, due }
}
