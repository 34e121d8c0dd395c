import { Data, Duration, Effect, Option, type Scope, Stream } from "effect"
import { Agent, type Dispatcher } from "undici"

/** One request below an endpoint's base URL. */
export interface HttpRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE" | "HEAD"
  /** Starts with `/`; already percent-encoded. */
  readonly path: string
  /** Encoded here; `undefined` leaves a parameter out, `true` sends it without a value. */
  readonly query?: Readonly<Record<string, string | number | true | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** From sending to the last byte of the answer. For a stream: to its headers. */
  readonly timeout: Duration.DurationInput
  /** The server keeps the answer back until there is news: it takes no place among `EndpointOptions.connections`. */
  readonly waits?: boolean
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** No complete answer arrived. Whether the request took effect is unknown. */
export class TransportError extends Data.TaggedError("TransportError")<{
  readonly reason: "connect" | "timeout" | "broken"
  readonly detail: string
}> {
  override get message(): string {
    return this.detail
  }
}

/** Client certificate and trust, as PEM text. */
export interface TlsOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface EndpointOptions {
  /** `http://host:port`, without a path. */
  readonly origin: string
  /** A Unix socket to connect to instead of the origin's host. */
  readonly socketPath?: string
  readonly tls?: TlsOptions
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whole answers that are under way at the same time; more requests wait for their turn. Any number without it. */
  readonly connections?: number
}

/**
 * Requests to one server, each with a deadline and cancelled with its fiber.
 *
 * It is undici's own `request`, not Effect's HttpClient: a Consul or Nomad call is the unit of everything that the
 * controller does, and the same call costs a third of the processor time this way.
 */
export interface Endpoint {
  readonly request: (request: HttpRequest) => Effect.Effect<HttpResponse, TransportError>
  /**
   * The body piece by piece, as far as `sink` wants it; then the connection is closed. What it costs is little beside
   * `stream`. The request's deadline is the whole answer's, `silence` bounds the gap between pieces.
   */
  readonly consume: (
    request: HttpRequest,
    silence: Duration.DurationInput,
    sink: BodySink
  ) => Effect.Effect<void, TransportError>
  /** The body as it arrives. Ends with the response; the scope closes the socket. `silence` bounds the gap between bytes. */
  readonly stream: (
    request: HttpRequest,
    silence: Duration.DurationInput
  ) => Effect.Effect<StreamResponse, TransportError, Scope.Scope>
}

/** Told the status, it answers with what takes the pieces. */
export type BodySink = (status: number) => (piece: Uint8Array) => "more" | "enough"

export interface StreamResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Stream.Stream<Uint8Array, TransportError>
}

/** Opens a connection pool for one server; closed with the scope. */
export const makeEndpoint = (options: EndpointOptions): Effect.Effect<Endpoint, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => ({
        agent: makeAgent(options, null),
        bounded: makeAgent(options, options.connections ?? null)
      })),
      ({ agent, bounded }) => Effect.promise(() => Promise.all([agent.destroy(), bounded.destroy()]))
    ),
    ({ agent, bounded }): Endpoint => ({
      request: (request) => fetchWhole(request.waits === true ? agent : bounded, options, request),
      consume: (request, silence, sink) => fetchPieces(agent, options, request, silence, sink),
      stream: (request, silence) => fetchStream(agent, options, request, silence)
    })
  )

const makeAgent = (options: EndpointOptions, connections: number | null): Agent =>
  new Agent({
    // Blocking queries hold a connection each: a bound for all of them would let them starve the quick calls.
    connections,
    pipelining: 1,
    connect: {
      timeout: 10_000,
      ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
      ...options.tls
    }
  })

const dispatchOptions = (options: EndpointOptions, request: HttpRequest): Dispatcher.DispatchOptions => ({
  origin: options.origin,
  path: withQuery(request.path, request.query),
  method: request.method,
  headers: { ...options.headers, ...request.headers },
  body: request.body ?? null,
  // The deadline is the fiber's: undici's own timers are too coarse for it.
  headersTimeout: 0,
  bodyTimeout: 0
})

/** What becomes of an answer. */
interface Taker<A> {
  readonly start: (status: number, headers: HttpResponse["headers"]) => void
  readonly take: (piece: Uint8Array) => "more" | "enough"
  /** What it comes to, after the last piece or enough of them. */
  readonly end: () => A
}

/**
 * It takes the answer as it comes off the wire: a stream, a promise and a signal for each would be half of what a request
 * costs. A timer costs a tenth of the two fibers that race in `Effect.timeout`.
 */
const exchange = <A>(
  agent: Agent,
  options: EndpointOptions,
  request: HttpRequest,
  makeTaker: () => Taker<A>,
  silence?: Duration.DurationInput
): Effect.Effect<A, TransportError> =>
  Effect.async((resume) => {
    const taker = makeTaker()
    let running: Dispatcher.DispatchController | undefined
    let quiet: NodeJS.Timeout | undefined
    let isOver = false
    const end = (result: Effect.Effect<A, TransportError>): void => {
      if (isOver) return
      isOver = true
      clearTimeout(late)
      clearTimeout(quiet)
      resume(result)
    }
    const give = (result: Effect.Effect<A, TransportError>): void => {
      end(result)
      running?.abort(abandoned)
    }
    const limit = (after: Duration.DurationInput, what: string) => {
      const pause = Duration.decode(after)
      return setTimeout(() => give(Effect.fail(lateBy(what, pause))), Duration.toMillis(pause))
    }
    const late = limit(request.timeout, "no answer within")
    agent.dispatch(dispatchOptions(options, request), {
      onRequestStart: (controller) => {
        running = controller
        // It may have waited for its turn until nobody wanted it any more.
        if (isOver) controller.abort(abandoned)
      },
      onResponseStart: (_controller, status, headers) => {
        taker.start(status, flatHeaders(headers))
        if (silence !== undefined) quiet = limit(silence, "silent for")
      },
      onResponseData: (_controller, piece) => {
        if (isOver) return
        quiet?.refresh()
        if (taker.take(piece) === "enough") give(Effect.sync(taker.end))
      },
      onResponseEnd: () => end(Effect.sync(taker.end)),
      onResponseError: (_controller, error) => end(Effect.fail(toTransportError(error)))
    })
    return Effect.sync(() => give(Effect.never))
  })

const abandoned = new Error("nobody wants the answer any more")

const fetchWhole = (agent: Agent, options: EndpointOptions, request: HttpRequest) =>
  exchange(agent, options, request, (): Taker<HttpResponse> => {
    const pieces: Array<Uint8Array> = []
    let status = 0
    let headers: HttpResponse["headers"] = {}
    return {
      start: (...started) => {
        ;[status, headers] = started
      },
      take: (piece) => {
        pieces.push(piece)
        return "more"
      },
      end: () => {
        const [first, ...more] = pieces
        return { status, headers, body: first === undefined || more.length > 0 ? Buffer.concat(pieces) : first }
      }
    }
  })

const fetchPieces = (
  agent: Agent,
  options: EndpointOptions,
  request: HttpRequest,
  silence: Duration.DurationInput,
  sink: BodySink
) =>
  exchange(
    agent,
    options,
    request,
    (): Taker<void> => {
      let take: ReturnType<BodySink> = () => "more"
      return {
        start: (status) => {
          take = sink(status)
        },
        take: (piece) => take(piece),
        end: () => {}
      }
    },
    silence
  )

const fetchStream = Effect.fnUntraced(function* (
  agent: Agent,
  options: EndpointOptions,
  request: HttpRequest,
  silence: Duration.DurationInput
) {
  const abort = yield* Effect.acquireRelease(
    Effect.sync(() => new AbortController()),
    (controller) => Effect.sync(() => controller.abort())
  )
  const response = yield* Effect.tryPromise({
    try: async () => {
      const response = await agent.request({ ...dispatchOptions(options, request), signal: abort.signal })
      // An abandoned body reports its abort on itself; without a listener that would end the process. It is attached
      // here since the deadline may pass just when the headers arrive.
      response.body.on("error", () => {})
      return response
    },
    catch: toTransportError
  }).pipe(withDeadline(request))
  // Not Stream.fromAsyncIterable: it ends by `return()`, which waits for the `next()` that a silent server leaves open.
  const chunks: AsyncIterator<Uint8Array> = response.body[Symbol.asyncIterator]()
  const body = Stream.repeatEffectOption(
    Effect.tryPromise({ try: () => chunks.next(), catch: toTransportError }).pipe(
      Effect.timeoutFail({
        duration: silence,
        onTimeout: () => lateBy("silent for", Duration.decode(silence))
      }),
      Effect.mapError(Option.some),
      Effect.flatMap((next) => (next.done === true ? Effect.fail(Option.none()) : Effect.succeed(next.value)))
    )
  )
  return { status: response.statusCode, headers: flatHeaders(response.headers), body }
})

const lateBy = (what: string, pause: Duration.Duration): TransportError =>
  new TransportError({ reason: "timeout", detail: `${what} ${Duration.format(pause)}` })

const withDeadline =
  (request: HttpRequest) =>
  <A, R>(effect: Effect.Effect<A, TransportError, R>): Effect.Effect<A, TransportError, R> =>
    Effect.timeoutFail(effect, {
      duration: request.timeout,
      onTimeout: () => lateBy("no answer within", Duration.decode(request.timeout))
    })

const withQuery = (path: string, query: HttpRequest["query"]): string => {
  const parts = Object.entries(query ?? {}).flatMap(([name, value]) => {
    if (value === undefined) return []
    return [value === true ? name : `${name}=${encodeURIComponent(String(value))}`]
  })
  return parts.length === 0 ? path : `${path}?${parts.join("&")}`
}

const flatHeaders = (headers: Record<string, string | Array<string> | undefined>): Record<string, string> => {
  const flat: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value !== undefined) flat[name] = typeof value === "string" ? value : value.join(", ")
  }
  return flat
}

const connectCodes = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT"
])

export const toTransportError = (cause: unknown): TransportError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const text = cause instanceof Error ? cause.message || code : String(cause)
  return new TransportError({
    reason: connectCodes.has(code) ? "connect" : "broken",
    detail: text === "" ? "connection failed" : text
  })
}
