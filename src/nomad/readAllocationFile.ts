import { Effect, type Option, Stream } from "effect"
import { type ApiError, Invalid, Unavailable } from "../http/ApiError.ts"
import { fileFrames, upTo } from "./fileFrames.ts"
import { joinBytes } from "./joinBytes.ts"
import type { NomadConnection, Question } from "./NomadConnection.ts"

/** Bytes. What is read is a result, not an artifact: the task that writes it must not fill the controller's memory. */
const largest = 1024 * 1024

/** See `Nomad.readFile`. */
export const readAllocationFile = (
  connection: NomadConnection,
  allocationId: string,
  path: string
): Effect.Effect<Option.Option<Uint8Array>, ApiError> => {
  const operation = `file.read ${allocationId} ${path}`
  const question: Question = {
    operation,
    path: `/v1/client/fs/stream/${encodeURIComponent(allocationId)}`,
    parameters: [
      ["path", path],
      ["follow", "false"],
      ["origin", "start"],
      ["offset", 0]
    ]
  }
  return fileFrames(connection, question).pipe(
    Stream.map(({ Data }) => Data),
    upTo(largest + 1),
    Stream.runCollect,
    Effect.map(joinBytes),
    Effect.filterOrFail(
      ({ length }) => length <= largest,
      () => new Invalid({ system: "nomad", operation, detail: `the file is larger than ${String(largest)} bytes` })
    ),
    Effect.timeoutFail({
      duration: "1 minute",
      onTimeout: () => new Unavailable({ system: "nomad", operation, detail: "the file takes too long to arrive" })
    }),
    Effect.asSome,
    Effect.catchTag("NotFound", () => Effect.succeedNone)
  )
}
