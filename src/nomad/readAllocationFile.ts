import { Effect, type Option } from "effect"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import { readFrames } from "./fileFrames.ts"
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
    timeout: "1 minute",
    parameters: [
      ["path", path],
      ["follow", "false"],
      ["origin", "start"],
      ["offset", 0]
    ]
  }
  return readFrames(connection, question, largest + 1).pipe(
    Effect.filterOrFail(
      ({ length }) => length <= largest,
      () => new Invalid({ system: "nomad", operation, detail: `the file is larger than ${String(largest)} bytes` })
    ),
    Effect.asSome,
    Effect.catchTag("NotFound", () => Effect.succeedNone)
  )
}
