import { Duration, Either, Option } from "effect"
import { parseGoDuration } from "../domain/GoDuration.ts"
import { badRequest, type Refused } from "./Refused.ts"

export interface Wait {
  readonly index: number
  readonly within: Duration.Duration
}

/** As Consul's blocking queries, which have the same limit. None: the client doesn't want to wait. */
export const waitOf = (query: {
  readonly wait?: string | undefined
  readonly index?: string | undefined
}): Either.Either<Option.Option<Wait>, Refused> => {
  const { index, wait } = query
  if (wait === undefined && index === undefined) return Either.right(Option.none())
  if (index !== undefined && !/^[0-9]{1,15}$/.test(index)) {
    return Either.left(badRequest("index must be a whole number, the index of an earlier answer"))
  }
  const within = wait === undefined ? Option.some(consulsOwn) : durationOf(wait)
  return Option.match(within, {
    onNone: () => Either.left(badRequest("wait must be a duration such as 60s or 5m, or a number of seconds")),
    onSome: (duration) =>
      Either.right(Option.some({ index: Number(index ?? 0), within: Duration.min(duration, longest) }))
  })
}

const consulsOwn = Duration.minutes(5)
const longest = Duration.minutes(10)

const durationOf = (text: string): Option.Option<Duration.Duration> =>
  /^[0-9]{1,9}(?:\.[0-9]{1,9})?$/.test(text) ? Option.some(Duration.seconds(Number(text))) : parseGoDuration(text)
