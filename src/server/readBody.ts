import type { IncomingMessage } from "node:http"
import { HttpServerRequest } from "@effect/platform"
import { Effect, Either, Option, Predicate, Schema, Stream } from "effect"
import { Refused } from "./Refused.ts"

/** Bytes that a request's body may have. */
export const maximumBody = 1024 * 1024

/**
 * The body as text. What is too large is read to its end and thrown away where its size was not announced, so that the
 * client gets to read the answer; the server's own time limit ends what never ends.
 */
export const readBody: Effect.Effect<string, Refused, HttpServerRequest.HttpServerRequest> = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const announced = Number(request.headers["content-length"] ?? Number.NaN)
  if (announced > maximumBody) return yield* tooLarge
  // It has no more bytes than it says, and to take them all at once costs a fraction of a stream.
  if (announced <= maximumBody)
    return yield* textOf(new Uint8Array(yield* Effect.mapError(request.arrayBuffer, cutOff)))
  const read = yield* request.stream.pipe(
    Stream.runFold({ size: 0, chunks: new Array<Uint8Array>() }, ({ chunks, size }, chunk) => {
      if (size + chunk.length > maximumBody) return { size: size + chunk.length, chunks: [] }
      chunks.push(chunk)
      return { size: size + chunk.length, chunks }
    }),
    Effect.mapError(cutOff)
  )
  if (read.size > maximumBody) return yield* tooLarge
  return yield* textOf(Buffer.concat(read.chunks))
})

/** The first JSON value of a body; what follows it is ignored, as the service always did. Answers with the value and its text. */
export const jsonOf = (body: string) => firstJson(body.trim())

/** The same of the request's body; an empty one is one without fields. */
export const readFields = Effect.flatMap(readBody, (text) => jsonOf(text.trim() === "" ? "{}" : text))

/** Names are matched without regard to case where none fits exactly, as the service always did. */
export const withKnownNames = (value: unknown, names: ReadonlyArray<string>): unknown => {
  if (!Predicate.isRecord(value)) return value
  const known = new Map(names.map((name) => [name.toLowerCase(), name]))
  const spelled = Object.entries(value).map(([name, member]) => {
    const meant = names.includes(name) ? name : (known.get(name.toLowerCase()) ?? name)
    return { name: meant, exact: meant === name, member }
  })
  // The exact spelling wins, wherever it stands.
  return Object.fromEntries(
    spelled.toSorted((one, other) => Number(one.exact) - Number(other.exact)).map(({ member, name }) => [name, member])
  )
}

export const invalidBody = "Invalid request body"

/**
 * As `readBody`, of a request as Node's own server hands it over, on which nothing has read yet. None: the ordinary way has
 * to look at it, since its size was not announced, or is too large.
 */
export const bodyOf = (request: IncomingMessage): Option.Option<TakeBody> => {
  const announced = Number(request.headers["content-length"] ?? Number.NaN)
  if (!(announced <= maximumBody) || request.headers["transfer-encoding"] !== undefined) return Option.none()
  return Option.some((then) => {
    const chunks: Array<Uint8Array> = []
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk))
    request.once("end", () => then(textOf(Buffer.concat(chunks))))
    request.once("error", () => then(Either.left(cutOff())))
  })
}

/** Reads the body, once, and calls back with it. */
export type TakeBody = (then: (body: Either.Either<string, Refused>) => void) => void

const tooLarge = new Refused({
  code: 413,
  error: "Request body too large",
  details: `the body may have ${maximumBody} bytes`
})

const refused = (details: string): Refused => new Refused({ code: 400, error: invalidBody, details })

const parse = Schema.decodeUnknownOption(Schema.parseJson())

const cutOff = () => refused("the request ended before its body did")

const textOf = (bytes: Uint8Array): Either.Either<string, Refused> =>
  Either.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => refused("the body is not UTF-8")
  })

const firstJson = (text: string): Either.Either<{ readonly text: string; readonly value: unknown }, Refused> => {
  const { depth, end } = firstValue(text)
  if (depth > deepest) return Either.left(refused(`the body is nested deeper than ${deepest} levels`))
  const whole = parse(text)
  if (Option.isSome(whole)) return Either.right({ text, value: whole.value })
  const first = text.slice(0, end)
  return Option.match(parse(first), {
    onNone: () => Either.left(refused("the body is not JSON")),
    onSome: (value) => Either.right({ text: first, value })
  })
}

/** More than any request has, and few enough that whatever walks over the value comes back from it. */
const deepest = 64

/**
 * Where the bracket ends that closes the first one, and how deep the brackets before it are. A string without an end goes
 * to the end of all: to look for the next one from its middle would take the square of the body's length.
 */
const firstValue = (text: string): { readonly end: number; readonly depth: number } => {
  let open = 0
  let depth = 0
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)|[{}[\]]/gs)) {
    if (token === "{" || token === "[") open += 1
    else if (token === "}" || token === "]") open -= 1
    depth = Math.max(depth, open)
    if (open === 0) return { end: index + token.length, depth }
  }
  return { end: text.length, depth }
}
