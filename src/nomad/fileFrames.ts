import { Effect, Either, Option, Schema, Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { apiErrorOf } from "./apiErrorOf.ts"
import { joinBytes } from "./joinBytes.ts"
import { jsonObjects, makeSplitter } from "./jsonObjects.ts"
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

/** The same up to its end, at most so many bytes of it, within the question's deadline. */
export const readFrames = (
  connection: NomadConnection,
  question: Question,
  limit: number
): Effect.Effect<Uint8Array, ApiError> =>
  Effect.suspend(() => {
    const splitter = makeSplitter()
    const pieces: Array<Uint8Array> = []
    let left = limit
    let late: ApiError | undefined
    const keep = (object: string) => {
      if (late !== undefined || left <= 0) return
      const frame = decodeFrame(question.operation, object)
      if (Either.isLeft(frame)) {
        late = frame.left
        return
      }
      const piece = frame.right.Data.subarray(0, left)
      pieces.push(piece)
      left -= piece.length
    }
    const take = (bytes: Uint8Array) => {
      splitter.push(bytes).forEach(keep)
      return late === undefined && left > 0 ? "more" : "enough"
    }
    return Effect.flatMap(connection.consume(question, silence, take), () => {
      Option.map(splitter.rest(), keep)
      return late === undefined ? Effect.succeed(joinBytes(pieces)) : Effect.fail(late)
    })
  })

// While it follows, Nomad sends a heartbeat every second.
const silence = "15 seconds"

const decode = Schema.decodeEither(Schema.parseJson(Frame))

// What isn't a frame is the text of an error that came too late for a status.
const decodeFrame = (operation: string, object: string): Either.Either<Frame, ApiError> =>
  Either.mapLeft(decode(object), () => apiErrorOf(operation, 500, object))
