import { Effect, Schema, Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { apiErrorOf } from "./apiErrorOf.ts"
import { jsonObjects } from "./jsonObjects.ts"
import { type NomadConnection, type Question, unavailable } from "./NomadConnection.ts"
import { text } from "./optionalFields.ts"

const Frame = Schema.Struct({
  Data: Schema.optionalWith(Schema.Uint8ArrayFromBase64, { nullable: true, default: () => new Uint8Array() }),
  File: text
})
type Frame = typeof Frame.Type

/**
 * What Nomad reads from an allocation's directory, piece by piece.
 *
 * Always asked for in frames: in plain text the message of a late error is glued to the content, and `fs/cat` says 200
 * even when the file, the allocation or the node isn't there.
 */
export const fileFrames = (connection: NomadConnection, question: Question): Stream.Stream<Frame, ApiError> =>
  connection.open(question, silence).pipe(
    Effect.map((response) => Stream.mapError(response.body, unavailable(question.operation))),
    Stream.unwrapScoped,
    jsonObjects,
    Stream.mapEffect((object) => decodeFrame(question.operation, object)),
    // What is left without data is a heartbeat, or tells of a rotation, which the next data's file tells too.
    Stream.filter(({ Data }) => Data.length > 0)
  )

/** At most so many bytes, then the connection is closed. */
export const upTo =
  (limit: number) =>
  <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> =>
    bytes.pipe(
      Stream.mapAccum(limit, (left, piece) => {
        const rest = Math.max(0, left - piece.length)
        return [rest, { piece: piece.subarray(0, left), rest }]
      }),
      Stream.takeUntil(({ rest }) => rest === 0),
      Stream.map(({ piece }) => piece)
    )

// While it follows, Nomad sends a heartbeat every second.
const silence = "15 seconds"

const decode = Schema.decode(Schema.parseJson(Frame))

// What isn't a frame is the text of an error that came too late for a status.
const decodeFrame = (operation: string, object: string): Effect.Effect<Frame, ApiError> =>
  Effect.mapError(decode(object), () => apiErrorOf(operation, 500, object))
