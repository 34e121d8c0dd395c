import { type Array as Arr, Data, Duration, Either, Option } from "effect"
import { type FieldError, fieldError } from "../domain/FieldError.ts"
import { parseGoDuration } from "../domain/GoDuration.ts"
import type { Attempt, JobPhase, Status } from "../domain/Status.ts"
import { suggestField } from "../domain/suggestField.ts"
import { faultsText } from "../domain/summarize.ts"
import type { LogStream } from "../store/LogArchive.ts"

/** Which lines of a job's logs are wanted; all fields narrow the answer. */
export interface LogQuery {
  readonly phase?: JobPhase
  /** Counted from 1 for each step; `last`: of each step the newest. */
  readonly attempt?: number | "last"
  /** The position of a test's command in the configuration, or its entry point. */
  readonly test?: number | "entry-point"
  readonly stream?: LogStream
  /** The last lines of each phase, at most so many. With `head` too, both, and between them how many were left out. */
  readonly tail?: number
  readonly head?: number
  /**
   * Only lines that have this text in them, as it stands. No regular expression: one that a client sends may take
   * longer than the service lives, and plain text takes time in proportion to the log.
   */
  readonly grep?: string
  /** Only attempts that ran at this time or later, in milliseconds, or so long before now: Nomad notes no time for a line. */
  readonly since?: number | Duration.Duration
}

/** All that is wrong with a query, each with its field. */
export class InvalidQuery extends Data.TaggedError("InvalidQuery")<{
  readonly errors: Arr.NonEmptyReadonlyArray<FieldError>
}> {
  override get message(): string {
    return faultsText(this.errors)
  }
}

/** What a URL's query or a JSON body says. Missing, null and empty are the same: what clients send that leave a field out. */
export type LogQueryInput = Readonly<Record<string, unknown>>

/** Fields that a request has beside those of the query, as `job_id`, are named by whoever takes them. */
export const decodeLogQuery = (
  input: LogQueryInput,
  others: ReadonlyArray<string> = []
): Either.Either<LogQuery, InvalidQuery> => {
  const errors: Array<FieldError> = []
  const fields = Object.entries(input).flatMap(([name, value]): ReadonlyArray<LogQuery> => {
    if (others.includes(name) || value === undefined || value === null || value === "") return []
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    const field = read === undefined ? Either.left(unknownField(name, others)) : read(value)
    if (Either.isRight(field)) return [field.right]
    errors.push(fieldError([name], field.left))
    return []
  })
  const query: LogQuery = Object.assign({}, ...fields)
  if (query.test !== undefined && query.phase !== undefined && query.phase !== "test") {
    errors.push(fieldError(["test"], `goes with phase test only, not with ${query.phase}`))
  }
  const [first, ...more] = errors
  return first === undefined ? Either.right(query) : Either.left(new InvalidQuery({ errors: [first, ...more] }))
}

/** An attempt of a step that users know. */
export type JobAttempt = Attempt & { readonly phase: JobPhase }

export const isJobAttempt = (attempt: Attempt): attempt is JobAttempt => attempt.phase !== "cleanup"

/** The attempts that a query is about, phase by phase, in the order in which they began. */
export const attemptsWanted = (
  { attempts }: Pick<Status, "attempts">,
  query: LogQuery,
  now: number
): ReadonlyArray<JobAttempt> => {
  const since = sinceTime(query, now)
  const all = attempts.filter(isJobAttempt)
  return phases
    .flatMap((phase) => all.filter((attempt) => attempt.phase === phase))
    .filter(
      (attempt) =>
        (query.phase === undefined || attempt.phase === query.phase) &&
        (query.test === undefined || (attempt.test !== undefined && testName(attempt.test) === query.test)) &&
        isWantedAttempt(attempt, query.attempt, all) &&
        (attempt.finished_at ?? attempt.outcome?.at ?? Number.POSITIVE_INFINITY) >= since
    )
}

export const phases: ReadonlyArray<JobPhase> = ["build", "test", "publish"]

/** As a query and a log event name a test. */
export const testName = (test: NonNullable<Attempt["test"]>): number | "entry-point" =>
  test.kind === "command" ? test.index : "entry-point"

/** Two attempts at the same thing. */
export const isSameStep = (a: Attempt, b: Attempt): boolean =>
  a.phase === b.phase && (a.test && testName(a.test)) === (b.test && testName(b.test))

const isWantedAttempt = (attempt: JobAttempt, wanted: LogQuery["attempt"], all: ReadonlyArray<JobAttempt>): boolean => {
  if (wanted === undefined) return true
  if (wanted !== "last") return attempt.attempt === wanted
  return !all.some((other) => isSameStep(other, attempt) && other.attempt > attempt.attempt)
}

const sinceTime = ({ since }: LogQuery, now: number): number => {
  if (since === undefined) return Number.NEGATIVE_INFINITY
  return typeof since === "number" ? since : now - Duration.toMillis(since)
}

type Reader = (value: unknown) => Either.Either<LogQuery, string>

/** A reason to refuse, as a predicate that follows the field's name. */
const oneOf =
  <const A extends string>(choices: ReadonlyArray<A>, field: (choice: A) => LogQuery): Reader =>
  (value) =>
    Option.match(Option.fromNullable(choices.find((choice) => choice === value)), {
      onNone: () => Either.left(`must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`),
      onSome: (choice) => Either.right(field(choice))
    })

const mostLines = 1_000_000

const lineCount =
  (field: (count: number) => LogQuery): Reader =>
  (value) => {
    const count = wholeNumber(value)
    return count === undefined || count < 1 || count > mostLines
      ? Either.left(`must be a whole number of lines from 1 to ${mostLines}`)
      : Either.right(field(count))
  }

const longestGrep = 512

const readers: Readonly<Record<string, Reader>> = {
  phase: oneOf(["build", "test", "publish"], (phase) => ({ phase })),
  stream: oneOf(["stdout", "stderr"], (stream) => ({ stream })),
  attempt: (value) => {
    if (value === "all") return Either.right({})
    if (value === "last") return Either.right({ attempt: "last" })
    const attempt = wholeNumber(value)
    return attempt === undefined || attempt < 1
      ? Either.left("must be a number from 1, all or last")
      : Either.right({ attempt })
  },
  test: (value) => {
    if (value === "entry-point") return Either.right({ test: "entry-point" })
    const test = wholeNumber(value)
    return test === undefined
      ? Either.left("must be the position of a test command, counted from 0, or entry-point")
      : Either.right({ test })
  },
  tail: lineCount((tail) => ({ tail })),
  head: lineCount((head) => ({ head })),
  grep: (value) =>
    typeof value === "string" && value.length <= longestGrep && !value.includes("\n")
      ? Either.right({ grep: value })
      : Either.left(`must be text of one line, of at most ${longestGrep} characters; it is searched for as it stands`),
  since: (value) =>
    Option.match(typeof value === "string" ? readSince(value) : Option.none(), {
      onNone: () => Either.left("must be a time as 2026-01-31T09:30:00Z, or a duration before now as 10m or 1h30m"),
      onSome: (since) => Either.right({ since })
    })
}

const unknownField = (name: string, others: ReadonlyArray<string>): string => {
  const known = [...others, ...Object.keys(readers)]
  const meant = suggestField(name, "", known)
  return meant === undefined
    ? `is not a known field; known are ${known.join(", ")}`
    : `is not a known field; did you mean ${meant}?`
}

const wholeNumber = (value: unknown): number | undefined => {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}

/** ISO 8601 with a zone: a time without one would mean another in each replica. */
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/

const readSince = (text: string): Option.Option<number | Duration.Duration> => {
  if (!isoTime.test(text)) return parseGoDuration(text)
  const time = Date.parse(text)
  return Number.isNaN(time) ? Option.none() : Option.some(time)
}
