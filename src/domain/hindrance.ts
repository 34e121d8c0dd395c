import { shortened } from "./shortened.ts"
import type { Status } from "./Status.ts"
import { summarize } from "./summarize.ts"

/** The status of a run that can't go on for want of Nomad. It says so once, however often that is found again. */
export const hindered = (
  status: Status,
  hindrance: Omit<NonNullable<Status["hindered"]>, "since">,
  now: number
): Status => changed({ ...status, hindered: { ...hindrance, message: shortened(hindrance.message), since: now } }, now)

export const unhindered = ({ hindered: _hindered, ...status }: Status, now: number): Status => changed(status, now)

const changed = (status: Status, now: number): Status => ({
  ...summarize(status, status.conditions, now),
  updated_at: now
})
