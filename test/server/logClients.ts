import { request } from "node:http"
import { Deferred, Effect, Schema, type Scope } from "effect"
import { WebSocket } from "ws"
import { LogEnd, LogEvent } from "../../src/api/LogEvent.ts"

export interface SocketReader {
  readonly socket: WebSocket
  readonly frames: ReadonlyArray<LogEvent>
  /** How the server closed it. */
  readonly closed: Effect.Effect<{ readonly code: number; readonly reason: string }>
}

export interface Refusal {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Reads frames as a client does; fails with the answer where there is no upgrade. */
export const openSocket = (url: string): Effect.Effect<SocketReader, Refusal, Scope.Scope> =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<{ readonly code: number; readonly reason: string }>()
    const frames: Array<LogEvent> = []
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => new WebSocket(url)),
      (open) => Effect.sync(() => open.terminate())
    )
    yield* Effect.async<void, Refusal>((resume) => {
      socket.on("error", () => {})
      socket.on("message", (data) => frames.push(decodeEvent(text(data))))
      socket.on("close", (code, reason) => {
        Effect.runSync(Deferred.succeed(closed, { code, reason: reason.toString() }))
      })
      socket.once("open", () => resume(Effect.void))
      socket.once("unexpected-response", (_request, response) => {
        let body = ""
        response.on("data", (chunk: Buffer) => (body += chunk.toString()))
        response.once("end", () =>
          resume(Effect.fail({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", body }))
        )
      })
    })
    return { socket, frames, closed: Deferred.await(closed) }
  })

const text = (data: WebSocket.RawData): string =>
  Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(new Uint8Array(data)).toString()

export const decodeEvent = Schema.decodeUnknownSync(Schema.parseJson(LogEvent), { onExcessProperty: "error" })
export const decodeEnd = Schema.decodeUnknownSync(Schema.parseJson(LogEnd), { onExcessProperty: "error" })

export interface SentEvent {
  readonly event: string
  readonly id: string
  readonly data: string
}

export interface EventReader {
  readonly status: number
  readonly headers: Readonly<Record<string, string | Array<string> | undefined>>
  readonly events: ReadonlyArray<SentEvent>
  readonly comments: ReadonlyArray<string>
  readonly body: () => string
  /** Once the answer has ended, however it did. */
  readonly ended: Effect.Effect<void>
  readonly abort: Effect.Effect<void>
}

/** Reads any answer, and takes it apart where it is an event stream. */
export const readAnswer = (
  url: string,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<EventReader, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ended = yield* Deferred.make<void>()
    const events: Array<SentEvent> = []
    const comments: Array<string> = []
    let rest = ""
    let body = ""
    const take = (chunk: string) => {
      body += chunk
      const blocks = (rest + chunk).split("\n\n")
      rest = blocks.pop() ?? ""
      for (const block of blocks) {
        const fields = new Map(block.split("\n").map((line) => splitField(line)))
        if (fields.has("data")) {
          events.push({ event: fields.get("event") ?? "", id: fields.get("id") ?? "", data: fields.get("data") ?? "" })
        } else comments.push(block)
      }
    }
    const asked = request(url, { headers, agent: false })
    yield* Effect.addFinalizer(() => Effect.sync(() => asked.destroy()))
    return yield* Effect.async<EventReader>((resume) => {
      asked.on("error", () => Effect.runSync(Deferred.succeed(ended, undefined)))
      asked.on("response", (response) => {
        // A chunk may end in the middle of a character.
        response.setEncoding("utf8")
        response.on("data", take)
        response.on("error", () => {})
        response.on("close", () => Effect.runSync(Deferred.succeed(ended, undefined)))
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            events,
            comments,
            body: () => body,
            ended: Deferred.await(ended),
            abort: Effect.sync(() => asked.destroy())
          })
        )
      })
      asked.end()
    })
  })

const splitField = (line: string): readonly [string, string] => {
  const colon = line.indexOf(": ")
  return colon < 0 ? ["", line] : [line.slice(0, colon), line.slice(colon + 2)]
}
