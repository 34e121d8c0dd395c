import { Effect } from "effect"
import type { LogEvent } from "../api/LogEvent.ts"
import type { LogFilters } from "../api/Requests.ts"
import { type CommandError, usageError } from "./CommandError.ts"

/** Which lines of a log that is being followed are shown. What needs the whole log is refused, not passed over. */
export const followFilter = (filters: LogFilters): Effect.Effect<(line: LogEvent) => boolean, CommandError> => {
  const { attempt, grep, head, phase, since, stream, tail, test } = filters
  const whole = Object.entries({ tail, head, since }).find(([, value]) => value !== undefined)
  if (whole !== undefined) {
    return Effect.fail(usageError(`--${whole[0]} needs a log's end: leave out --follow, or --${whole[0]}`))
  }
  if (attempt !== undefined && !/^[1-9][0-9]{0,8}$/.test(attempt)) {
    return Effect.fail(usageError(`--attempt: "${attempt}" is no number, which --follow needs`))
  }
  return Effect.succeed(
    (line) =>
      (phase === undefined || line.phase === phase) &&
      (stream === undefined || line.stream === stream) &&
      (attempt === undefined || line.attempt === Number(attempt)) &&
      (test === undefined || String(line.test) === test) &&
      (grep === undefined || line.message.includes(grep))
  )
}
