import { Data, Effect, type Scope } from "effect"
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from "node:http"
import { cleanLocation } from "./cleanLocation.ts"

/** The address cannot be listened on. */
export class ListenError extends Data.TaggedError("ListenError")<{
  /** What was to listen, as an operator calls it: `Consul`, `Nomad`. */
  readonly server: string
  readonly host: string
  readonly port: number
  /** The system's code, e.g. `EADDRINUSE`. */
  readonly code: string
}> {
  override get message(): string {
    return `${this.server} cannot listen on ${this.host}:${this.port}: ${remedies.get(this.code) ?? this.code}`
  }
}

/** A whole answer. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** An answer that is written bit by bit. */
export interface AnswerStream {
  /** `false`: the client reads slower than this; wait for `onDrain` unless the rest is small. */
  readonly write: (chunk: string | Uint8Array) => boolean
  readonly onDrain: (resume: () => void) => void
  readonly end: () => void
}

/** One request and the way to answer it. Everything after the answer, or after the client has gone, is ignored. */
export interface Exchange {
  readonly method: string
  /** Percent-encoded as received, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The whole body, or `too-large` with its size as far as it is known; what is too large is read and thrown away. */
  readonly readBody: (limitBytes: number) => Promise<Body>
  readonly answer: (answer: Answer) => void
  readonly stream: (status: number, headers: Readonly<Record<string, string>>) => AnswerStream
  /** Runs once when the client goes away unanswered, or is cut off because the server closes. */
  readonly onGone: (clean: () => void) => void
}

type Body = { readonly _tag: "Whole"; readonly bytes: Buffer } | { readonly _tag: "TooLarge"; readonly size: number }

export interface EmbeddedServerOptions {
  /** What to call it in errors: `Consul`, `Nomad`. */
  readonly server: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Must not throw for a wrong request; what it throws or rejects with is answered as 500 with its message. */
  readonly handle: (exchange: Exchange) => void | Promise<void>
}

/**
 * Listens until the scope closes, then cuts every connection: a client of an embedded server must bear that anyway,
 * and a blocking query would otherwise hold up the shutdown for minutes.
 */
export const serveEmbedded = (
  options: EmbeddedServerOptions
): Effect.Effect<{ readonly address: string; readonly port: number }, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => makeServer(options)),
      close
    )
    const port = yield* listen(server, options)
    const host = options.host.includes(":") ? `[${options.host}]` : options.host
    return { address: `http://${host}:${port}`, port }
  })

/** Sends the client elsewhere (301), as Go's net/http does. */
export const redirect = (exchange: Exchange, location: string): Answer =>
  exchange.method === "GET" || exchange.method === "HEAD"
    ? {
        status: 301,
        headers: { Location: location, "Content-Type": "text/html; charset=utf-8" },
        body: `<a href="${location}">Moved Permanently</a>.\n\n`
      }
    : { status: 301, headers: { Location: location }, body: "" }

const remedies = new Map([
  ["EADDRINUSE", "the port is taken; stop what listens there, or choose another port"],
  ["EACCES", "not permitted; choose a port above 1023"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["ENOTFOUND", "no such host"]
])

const makeServer = (options: EmbeddedServerOptions): Server => {
  const server = createServer((request, response) => {
    const location = cleanLocation(request.url ?? "/")
    const exchange = new NodeExchange(request, response)
    if (location === undefined) void dispatch(options, exchange)
    else exchange.answer(redirect(exchange, location))
  })
  // A Go server keeps idle connections for ever and bounds no upload; clients with a pool count on the first.
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  return server
}

const dispatch = async (options: EmbeddedServerOptions, exchange: Exchange): Promise<void> => {
  try {
    await options.handle(exchange)
  } catch (error) {
    exchange.answer({
      status: 500,
      headers: { "Content-Type": "text/plain; charset=utf-8" },
      body: error instanceof Error ? error.message : String(error)
    })
  }
}

const listen = (server: Server, options: EmbeddedServerOptions): Effect.Effect<number, ListenError> =>
  Effect.async((resume) => {
    const fail = (error: NodeJS.ErrnoException) =>
      resume(
        Effect.fail(
          new ListenError({
            server: options.server,
            host: options.host,
            port: options.port,
            code: error.code ?? error.message
          })
        )
      )
    server.once("error", fail)
    server.listen({ host: options.host, port: options.port }, () => {
      server.off("error", fail)
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : options.port))
    })
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.async((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

class NodeExchange implements Exchange {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  private readonly request: IncomingMessage
  private readonly response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse) {
    const url = request.url ?? "/"
    const mark = url.indexOf("?")
    this.request = request
    this.response = response
    this.method = request.method ?? "GET"
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1))
    this.headers = request.headers
    // A socket that breaks is reported here too; without a listener that would end the process.
    response.on("error", () => {})
    request.on("error", () => {})
  }

  readonly readBody = (limitBytes: number): Promise<Body> => {
    const declared = Number(this.request.headers["content-length"] ?? 0)
    if (declared > limitBytes) {
      this.request.resume()
      return Promise.resolve({ _tag: "TooLarge", size: declared })
    }
    return new Promise((resolve, reject) => {
      const chunks: Array<Buffer> = []
      let size = 0
      this.request.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size <= limitBytes) chunks.push(chunk)
      })
      this.request.on("end", () =>
        resolve(size > limitBytes ? { _tag: "TooLarge", size } : { _tag: "Whole", bytes: Buffer.concat(chunks, size) })
      )
      this.request.on("close", () => reject(new Error("the request ended early")))
    })
  }

  readonly answer = (answer: Answer): void => {
    if (this.response.headersSent || this.response.destroyed) return
    const body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body
    this.response.writeHead(answer.status, { ...answer.headers, "Content-Length": String(body.length) })
    this.response.end(this.method === "HEAD" ? undefined : body)
    // What a refused request still sends must be read, or its client sees a reset instead of the answer.
    if (!this.request.complete) this.request.resume()
  }

  readonly stream = (status: number, headers: Readonly<Record<string, string>>): AnswerStream => {
    const response = this.response
    const open = () => !response.destroyed && !response.writableEnded
    if (!response.headersSent) response.writeHead(status, headers)
    response.flushHeaders()
    return {
      write: (chunk) => (open() ? response.write(chunk) : true),
      onDrain: (resume) => void response.once("drain", resume),
      end: () => {
        if (open()) response.end()
      }
    }
  }

  readonly onGone = (clean: () => void): void => {
    this.response.once("close", () => {
      if (!this.response.writableFinished) clean()
    })
  }
}
