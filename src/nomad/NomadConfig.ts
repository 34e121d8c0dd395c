import type { FileSystem } from "@effect/platform"
import { Config, ConfigError, Effect, Either, Encoding, Option, Redacted } from "effect"
import { tlsFiles } from "../http/tlsFiles.ts"
import type { EndpointOptions, TlsOptions } from "../http/Transport.ts"

/** How to reach Nomad, and as whom. */
export interface NomadConfig extends Pick<EndpointOptions, "origin" | "socketPath" | "tls"> {
  readonly token: Option.Option<Redacted.Redacted>
  /** `user:password` of a proxy before Nomad. */
  readonly httpAuth: Option.Option<Redacted.Redacted>
  readonly namespace: string
  /** None: the region of the agent that is asked. */
  readonly region: Option.Option<string>
}

/**
 * From the variables that Nomad's own command line reads. What is wrong is told with the variable's name and how to
 * mend it.
 */
export const load: Effect.Effect<NomadConfig, ConfigError.ConfigError, FileSystem.FileSystem> = Effect.gen(
  function* () {
    const address = yield* read.address
    const tls = yield* loadTls
    return {
      ...address,
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
      token: yield* Config.option(secret("NOMAD_TOKEN")),
      httpAuth: yield* Config.option(secret("NOMAD_HTTP_AUTH")),
      namespace: yield* read.namespace,
      region: yield* Config.option(filled("NOMAD_REGION"))
    }
  }
)

/** The headers that carry who asks. */
export const credentials = (config: NomadConfig): Record<string, string> => ({
  ...Option.match(config.token, {
    onNone: () => ({}),
    onSome: (token) => ({ "x-nomad-token": Redacted.value(token) })
  }),
  ...Option.match(config.httpAuth, {
    onNone: () => ({}),
    onSome: (pair) => ({ authorization: `Basic ${Encoding.encodeBase64(Redacted.value(pair))}` })
  })
})

// A variable that is set to nothing counts as unset, as with Nomad's own command line.
const filled = (name: string) =>
  Config.string(name).pipe(
    Config.mapOrFail((value) =>
      value.trim() === "" ? Either.left(ConfigError.MissingData([], `${name} is empty`)) : Either.right(value.trim())
    )
  )

const secret = (name: string) => Config.map(filled(name), Redacted.make)

interface Address {
  readonly origin: string
  readonly socketPath?: string
}

const parseAddress = (text: string): Either.Either<Address, ConfigError.ConfigError> => {
  const wrong = (why: string) =>
    Either.left(
      ConfigError.InvalidData(
        ["NOMAD_ADDR"],
        `"${text}" ${why}; write http://HOST:4646, https://HOST:4646 or unix:///PATH/TO/SOCKET`
      )
    )
  if (text.startsWith("unix://")) {
    const socketPath = text.slice("unix://".length)
    return socketPath.startsWith("/")
      ? Either.right({ origin: "http://localhost", socketPath })
      : wrong("names no absolute path of a socket")
  }
  if (!/^https?:\/\//u.test(text) || !URL.canParse(text)) return wrong("is no HTTP address")
  const url = new URL(text)
  if (url.username !== "") return wrong("holds credentials, which belong into NOMAD_HTTP_AUTH")
  return url.pathname === "/" && url.search === "" ? Either.right({ origin: url.origin }) : wrong("has a path")
}

const read = {
  address: Config.withDefault(filled("NOMAD_ADDR"), "http://127.0.0.1:4646").pipe(Config.mapOrFail(parseAddress)),
  namespace: Config.withDefault(filled("NOMAD_NAMESPACE"), "default"),
  skipVerify: Config.withDefault(filled("NOMAD_SKIP_VERIFY"), "false").pipe(
    Config.mapOrFail((text) => {
      if (/^(?:1|t|true|yes|on)$/iu.test(text)) return Either.right(true)
      if (/^(?:0|f|false|no|off)$/iu.test(text)) return Either.right(false)
      return Either.left(ConfigError.InvalidData(["NOMAD_SKIP_VERIFY"], `"${text}" is neither; write true or false`))
    })
  )
}

const loadTls = Effect.gen(function* () {
  const files = yield* tlsFiles({ ca: "NOMAD_CACERT", cert: "NOMAD_CLIENT_CERT", key: "NOMAD_CLIENT_KEY" })
  const servername = yield* Config.option(filled("NOMAD_TLS_SERVER_NAME"))
  const tls: TlsOptions = {
    ...files,
    ...Option.match(servername, { onNone: () => ({}), onSome: (text) => ({ servername: text }) }),
    ...((yield* read.skipVerify) ? { rejectUnauthorized: false } : {})
  }
  return tls
})
