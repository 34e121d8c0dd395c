import { HttpServerResponse } from "@effect/platform"
import { Effect, Option, Schema, Stream } from "effect"
import { jsonAnswer } from "../jsonAnswer.ts"
import type { EnvelopeFault } from "./Envelope.ts"
import { logRaw } from "./rawLog.ts"

/** An error that no handler has seen. 200, since HTTP had no part in it. */
export const refused = Effect.fnUntraced(function* ({ code, data, id, message }: EnvelopeFault) {
  const body = { jsonrpc: "2.0", id, error: { code, message, data } }
  yield* logRaw("response", body)
  return jsonAnswer(body)
})

/** Taken, and nothing to say to it. */
export const accepted = HttpServerResponse.empty({ status: 202 })

/** What the official package answered, sent on as it comes. */
export const sent = Effect.fnUntraced(function* (response: Response) {
  const { body, headers, status } = response
  const options = { status, headers: { ...Object.fromEntries(headers), "cache-control": "no-store" } }
  if (body === null) return HttpServerResponse.empty(options)
  if (headers.get("content-type")?.startsWith("text/event-stream") !== true) {
    const text = yield* Effect.promise(() => response.text())
    yield* logRaw(
      "response",
      Option.getOrElse(parse(text), () => text)
    )
    return HttpServerResponse.text(text, { ...options, contentType: "application/json; charset=utf-8" })
  }
  const context = yield* Effect.context<Effect.Effect.Context<ReturnType<typeof logRaw>>>()
  const chunks = Stream.fromReadableStream({ evaluate: () => body, onError: (error) => error }).pipe(
    Stream.tap((chunk) => Effect.provide(logRaw("response", new TextDecoder().decode(chunk)), context))
  )
  return HttpServerResponse.stream(chunks, { ...options, contentType: "text/event-stream" })
})

const parse = Schema.decodeUnknownOption(Schema.parseJson())
