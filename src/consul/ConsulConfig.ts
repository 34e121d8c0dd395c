import type { FileSystem } from "@effect/platform"
import { Config, ConfigError, Effect, Either, Option, Redacted } from "effect"
import { checkedSetting, settingText } from "../http/settingText.ts"
import { readSettingFile, tlsFiles } from "../http/tlsFiles.ts"
import type { TlsOptions } from "../http/Transport.ts"

/** Where Consul is and who we are there. */
export interface ConsulConfig {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  /** A Unix socket to use instead of the origin's host. */
  readonly socketPath?: string
  readonly tls?: TlsOptions
  readonly token?: Redacted.Redacted
  /** `user:password` for a proxy in front of Consul. */
  readonly basicAuth?: Redacted.Redacted
  /** Enterprise only: the community edition refuses requests that name one. */
  readonly namespace?: string
  /** The agent's own unless given. */
  readonly datacenter?: string
}

/**
 * The settings of the `consul` program, read from the same variables with the same precedence: a token file wins over
 * a token, `CONSUL_HTTP_SSL` turns an `http://` address into https, an empty variable counts as unset.
 */
export const load: Effect.Effect<ConsulConfig, ConfigError.ConfigError, FileSystem.FileSystem> = Effect.gen(
  function* () {
    const address = yield* addressConfig
    const token = yield* tokenOf
    const tls = yield* tlsOf
    const basicAuth = yield* Config.map(settingText("CONSUL_HTTP_AUTH"), Option.map(Redacted.make))
    const namespace = yield* settingText("CONSUL_NAMESPACE")
    const datacenter = yield* settingText("CONSUL_DATACENTER")
    return {
      ...address,
      ...tls,
      ...optional("token", token),
      ...optional("basicAuth", basicAuth),
      ...optional("namespace", namespace),
      ...optional("datacenter", datacenter)
    }
  }
)

interface Address {
  readonly origin: string
  readonly socketPath?: string
}

const optional = <K extends string, A>(key: K, value: Option.Option<A>): { readonly [P in K]?: A } => {
  const none: { readonly [P in K]?: A } = {}
  return Option.match(value, { onNone: () => none, onSome: (some) => ({ ...none, [key]: some }) })
}

/** What an HTTP header can carry; anything else would fail at each request, far from its cause. */
const headerSafe = /^[\x21-\x7e]+$/

/** The message must not repeat the value. */
const secret = (name: string): Config.Config<Option.Option<Redacted.Redacted>> =>
  checkedSetting(name, (value) =>
    headerSafe.test(value)
      ? Either.right(Redacted.make(value))
      : Either.left("it has spaces, control characters or non-ASCII letters; give it as one line of plain characters")
  )

const flag = (name: string, fallback: boolean): Config.Config<boolean> =>
  checkedSetting(name, (value) => {
    if (/^(1|t|true|yes|on)$/i.test(value)) return Either.right(true)
    if (/^(0|f|false|no|off)$/i.test(value)) return Either.right(false)
    return Either.left(`"${value}" is neither true nor false`)
  }).pipe(Config.map(Option.getOrElse(() => fallback)))

const addressConfig: Effect.Effect<Address, ConfigError.ConfigError> = Effect.gen(function* () {
  const address = yield* checkedSetting("CONSUL_HTTP_ADDR", parseAddress)
  const ssl = yield* flag("CONSUL_HTTP_SSL", false)
  const found = Option.getOrElse(address, (): Address => ({ origin: "http://127.0.0.1:8500" }))
  return ssl ? { ...found, origin: found.origin.replace(/^http:/, "https:") } : found
})

const addressForms = "give host:port, http://host:port, https://host:port or unix:///path/of/socket"

/** The value isn't repeated where it may hold a password. */
const parseAddress = (value: string): Either.Either<Address, string> => {
  const [, scheme = "http", rest = value] = /^([a-z+]+):\/\/(.*)$/i.exec(value) ?? []
  switch (scheme) {
    case "unix":
      return parseSocket(rest)
    case "http":
    case "https":
      return parseUrl(value, `${scheme}://${rest}`)
    default:
      return Either.left(`it has an unknown scheme; ${addressForms}`)
  }
}

const parseSocket = (path: string): Either.Either<Address, string> =>
  path.startsWith("/")
    ? Either.right({ origin: "http://localhost", socketPath: path })
    : Either.left(`the socket's path must be absolute; ${addressForms}`)

const parseUrl = (value: string, full: string): Either.Either<Address, string> => {
  if (full.includes("@")) return Either.left("it has a user in it; give user:password in CONSUL_HTTP_AUTH")
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || url.hostname === "") return Either.left(`"${value}" is no address; ${addressForms}`)
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return Either.left(`"${value}" has a path or query, which isn't supported; ${addressForms}`)
  }
  return Either.right({ origin: url.origin })
}

const tokenOf = Effect.gen(function* () {
  const path = yield* settingText("CONSUL_HTTP_TOKEN_FILE")
  if (Option.isNone(path)) return yield* secret("CONSUL_HTTP_TOKEN")
  const content = (yield* readSettingFile("CONSUL_HTTP_TOKEN_FILE", path.value)).trim()
  if (!headerSafe.test(content)) {
    return yield* Effect.fail(
      ConfigError.InvalidData(
        ["CONSUL_HTTP_TOKEN_FILE"],
        `${path.value} doesn't hold exactly one token; write it alone`
      )
    )
  }
  return Option.some(Redacted.make(content))
})

const tlsOf = Effect.gen(function* () {
  const files = yield* tlsFiles({ ca: "CONSUL_CACERT", cert: "CONSUL_CLIENT_CERT", key: "CONSUL_CLIENT_KEY" })
  const servername = yield* settingText("CONSUL_TLS_SERVER_NAME")
  const rejectUnauthorized = yield* flag("CONSUL_HTTP_SSL_VERIFY", true)
  const tls: TlsOptions = {
    ...files,
    ...optional("servername", servername),
    ...(rejectUnauthorized ? {} : { rejectUnauthorized })
  }
  return Object.keys(tls).length === 0 ? {} : { tls }
})
