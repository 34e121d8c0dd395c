import { lookup } from "node:dns/promises"
import { isIP, type LookupFunction } from "node:net"
import { Context, Data, Duration, Effect, Either, Layer, Option } from "effect"
import { Agent, type Dispatcher } from "undici"
import type { AllowList } from "./AllowList.ts"
import { isIn, specialAddress } from "./specialAddress.ts"
import { toTransportError, TransportError } from "./Transport.ts"

/** The URL leads to where no stranger's URL may lead. Nothing was sent. */
export class TargetRefused extends Data.TaggedError("TargetRefused")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

export interface GuardedPost {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly allow: AllowList
  /** From looking the name up to the answer's headers. */
  readonly timeout: Duration.DurationInput
}

/** What the receiver answered. Its body is of no interest to anybody. */
export interface GuardedAnswer {
  readonly status: number
  readonly retryAfter: Option.Option<string>
}

/**
 * Requests to URLs that somebody else has chosen. Every address that the name has must be a public one, or allowed by the
 * operator, and the connection is made to the very addresses that were looked at: a name that means something else a
 * moment later changes nothing. Redirects are answers like any other and are never followed.
 */
export class GuardedHttp extends Context.Tag("jobforge/http/GuardedHttp")<
  GuardedHttp,
  { readonly post: (request: GuardedPost) => Effect.Effect<GuardedAnswer, TargetRefused | TransportError> }
>() {
  /** Names as this machine resolves them, its hosts file included. */
  static readonly layer: Layer.Layer<GuardedHttp> = Layer.suspend(() => GuardedHttp.layerOf(systemResolver))

  static readonly layerOf = (resolve: Resolver): Layer.Layer<GuardedHttp> =>
    Layer.succeed(GuardedHttp, { post: (request) => post(resolve, request) })
}

/** All addresses of a name. */
export type Resolver = (host: string) => Effect.Effect<ReadonlyArray<string>, TransportError>

const systemResolver: Resolver = (host) =>
  Effect.map(Effect.tryPromise({ try: () => lookup(host, { all: true }), catch: toTransportError }), (found) =>
    found.map(({ address }) => address)
  )

const post = (resolve: Resolver, request: GuardedPost) =>
  Effect.flatMap(check(resolve, request), ({ addresses, url }) => send(url, addresses, request)).pipe(
    Effect.timeoutFail({
      duration: request.timeout,
      onTimeout: () =>
        new TransportError({
          reason: "timeout",
          detail: `no answer within ${Duration.format(Duration.decode(request.timeout))}`
        })
    }),
    Effect.withSpan("GuardedHttp.post")
  )

const check = Effect.fnUntraced(function* (resolve: Resolver, { allow, url: text }: GuardedPost) {
  const url = yield* parse(text)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  const addresses = isIP(host) === 0 ? yield* resolve(host) : [host]
  if (addresses.length === 0) return yield* new TransportError({ reason: "connect", detail: `${host} has no address` })
  if (isAllowedHost(allow, url)) return { url, addresses }
  for (const address of addresses) {
    const special = specialAddress(address)
    if (special === undefined || isIn(allow.networks, address)) continue
    const what = address === host ? `${host} is` : `${host} has the address ${address}, which is`
    return yield* refuse(`${what} ${special}; an operator can allow it (WEBHOOK_ALLOW)`)
  }
  return { url, addresses }
})

const parse = (text: string): Either.Either<URL, TargetRefused> => {
  if (!URL.canParse(text)) return Either.left(refuse("it is no URL"))
  const url = new URL(text)
  if (!["http:", "https:"].includes(url.protocol)) return Either.left(refuse(`${url.protocol} is not http or https`))
  return url.username === "" && url.password === "" ? Either.right(url) : Either.left(refuse("it holds credentials"))
}

const refuse = (why: string) => new TargetRefused({ detail: `the target is refused: ${why}` })

const isAllowedHost = ({ hosts }: AllowList, { hostname, port, protocol }: URL): boolean => {
  const actual = port === "" ? (protocol === "https:" ? 443 : 80) : Number(port)
  return hosts.some((entry) => entry.host === hostname && (entry.port === undefined || entry.port === actual))
}

const send = (url: URL, addresses: ReadonlyArray<string>, { body, headers }: GuardedPost) =>
  Effect.acquireUseRelease(
    // One for each request: a connection that is kept would be one to addresses that nobody looks at any more.
    Effect.sync(() => new Agent({ pipelining: 0, connect: { timeout: connectTimeout, lookup: always(addresses) } })),
    (agent) => Effect.flatMap(sendBy(agent, url, headers, body), answerOf),
    (agent) => Effect.promise(() => agent.destroy())
  )

const connectTimeout = 10_000

const sendBy = (agent: Agent, url: URL, headers: GuardedPost["headers"], body: Uint8Array) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: "POST",
        headers,
        body,
        signal,
        // The deadline is the fiber's: undici's own timers are too coarse for it.
        headersTimeout: 0,
        bodyTimeout: 0
      })
      // An abandoned body reports its abort on itself; without a listener that would end the process.
      response.body.on("error", () => {})
      return response
    },
    catch: toTransportError
  })

const answerOf = ({ body, headers, statusCode }: Dispatcher.ResponseData): Effect.Effect<GuardedAnswer> => {
  const retryAfter = headers["retry-after"]
  const answer: GuardedAnswer = {
    status: statusCode,
    retryAfter: Option.fromNullable(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter)
  }
  // A receiver that is cut off in the middle of its answer may take that for a failure. Whatever becomes of it, it is known.
  return Effect.tryPromise((signal) => body.dump({ limit: drained, signal })).pipe(
    Effect.timeout(drainTime),
    Effect.ignore,
    Effect.as(answer)
  )
}

/** Bytes of an answer that are taken off the receiver, and how long that may last. */
const drained = 16 * 1024
const drainTime = Duration.millis(500)

/** Answers what was looked at already, whatever is asked. Asked it is for names only. */
const always =
  (addresses: ReadonlyArray<string>): LookupFunction =>
  (_host, options, callback) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    const [first] = found
    if (options.all === true || first === undefined) callback(null, found)
    else callback(null, first.address, first.family)
  }
