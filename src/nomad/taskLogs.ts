import { Effect, Stream } from "effect"
import { type ApiError, Unavailable } from "../http/ApiError.ts"
import { fileFrames, readFrames } from "./fileFrames.ts"
import type { LogFrame, LogOptions } from "./Nomad.ts"
import type { NomadConnection, Question } from "./NomadConnection.ts"

/** Which output of which task. */
export interface LogSource {
  readonly allocationId: string
  readonly task: string
  readonly stream: "stdout" | "stderr"
}

/** See `Nomad.logs`. */
export const readLogs = (
  connection: NomadConnection,
  source: LogSource,
  options: LogOptions = {}
): Effect.Effect<Uint8Array, ApiError> => {
  const question: Question = {
    ...questionOf("logs", source, [
      ["follow", "false"],
      ["origin", options.origin ?? "start"],
      ["offset", options.offset ?? 0]
    ]),
    timeout: wholeLog
  }
  return Effect.catchIf(
    readFrames(connection, question, options.limit ?? Number.POSITIVE_INFINITY),
    hasNotStarted,
    () => Effect.succeed(new Uint8Array())
  )
}

/** See `Nomad.followLogs`. */
export const followLogs = (
  connection: NomadConnection,
  source: LogSource,
  offset: number
): Stream.Stream<LogFrame, ApiError> => {
  const question = questionOf("logs.follow", source, [
    ["follow", "true"],
    ["origin", "start"],
    ["offset", offset]
  ])
  return fileFrames(connection, question).pipe(
    Stream.mapAccum(offset, (at, { Data, File }) => {
      const nextOffset = at + Data.length
      return [nextOffset, { data: Data, file: File, nextOffset }]
    }),
    Stream.concat(Stream.fail(unavailable(question, "Nomad ended the stream")))
  )
}

const wholeLog = "3 minutes"

const questionOf = (
  verb: string,
  { allocationId, task, stream }: LogSource,
  parameters: NonNullable<Question["parameters"]>
): Question => ({
  operation: `${verb} ${allocationId} ${task} ${stream}`,
  path: `/v1/client/fs/logs/${encodeURIComponent(allocationId)}`,
  parameters: [["task", task], ["type", stream], ["plain", "false"], ...parameters]
})

const unavailable = ({ operation }: Question, detail: string) => new Unavailable({ system: "nomad", operation, detail })

const hasNotStarted = (error: ApiError): boolean =>
  error._tag === "Unavailable" && error.detail.includes("not started yet")
