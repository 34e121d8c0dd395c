import type { Transition } from "../../api/Transition.ts"
import { plainText } from "../terminal/plainText.ts"

/** A transition as one line, without its end: when, to which status, in which phase, and why. */
export const eventLine = ({ error, failed_phase, phase, reason, status, timestamp }: Transition): string => {
  const why = [reason, error === undefined ? undefined : plainText(error)].filter((part) => part !== undefined)
  return [timestamp, status.padEnd(longestStatus), (phase ?? failed_phase ?? "").padEnd(longestPhase), why.join(": ")]
    .join("  ")
    .trimEnd()
}

const longestStatus = "PUBLISHING".length
const longestPhase = "publish".length
