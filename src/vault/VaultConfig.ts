import type { FileSystem } from "@effect/platform"
import { ConfigError, Effect, Either, Option, Redacted } from "effect"
import { checkedSetting, settingText } from "../http/settingText.ts"
import { tlsFiles } from "../http/tlsFiles.ts"
import type { TlsOptions } from "../http/Transport.ts"

/** Where Vault is and who we are there. */
export interface VaultConfig {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  readonly tls?: TlsOptions
  readonly token: VaultToken
  /** Of Vault Enterprise and OpenBao. */
  readonly namespace?: string
  /** The mount of paths that name none, as `nomad/jobs/x`. */
  readonly mount: string
}

/** A token in a file is renewed and replaced by who wrote it there: it is read anew each time. */
export type VaultToken =
  | { readonly _tag: "Given"; readonly token: Redacted.Redacted }
  | { readonly _tag: "InFile"; readonly path: string }
  | {
      readonly _tag: "AppRole"
      /** Below `auth/`. */
      readonly mount: string
      readonly roleId: string
      readonly secretId: SecretId
    }
  | { readonly _tag: "None" }

/** In a file it is read at each login, so that it can be replaced there. */
export type SecretId =
  | { readonly _tag: "Given"; readonly secretId: Redacted.Redacted }
  | { readonly _tag: "InFile"; readonly path: string }

/**
 * From the variables that the `vault` program reads, `VAULT_TOKEN_FILE`, or those of an AppRole; without any of them the
 * token is the one that Nomad writes for a task with a vault block. None when `VAULT_ADDR` is unset: the service then reads no secrets.
 */
export const load: Effect.Effect<
  Option.Option<VaultConfig>,
  ConfigError.ConfigError,
  FileSystem.FileSystem
> = Effect.gen(function* () {
  const origin = yield* checkedSetting("VAULT_ADDR", parseAddress)
  if (Option.isNone(origin)) return Option.none()
  const token = yield* tokenOf
  const tls = yield* tlsOf
  const namespace = yield* settingText("VAULT_NAMESPACE")
  const mount = yield* checkedSetting("VAULT_MOUNT", parseMount)
  return Option.some({
    origin: origin.value,
    token,
    mount: Option.getOrElse(mount, () => "secret"),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...Option.match(namespace, { onNone: () => ({}), onSome: (name) => ({ namespace: name }) })
  })
})

/** The value isn't repeated: it may hold a password. */
const parseAddress = (value: string): Either.Either<string, string> => {
  const url = /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value) : undefined
  return url !== undefined && url.username === "" && url.pathname === "/" && url.search === "" && url.hash === ""
    ? Either.right(url.origin)
    : Either.left("it is no address; give http://host:port or https://host:port, without user, path or query")
}

const parseMount = (value: string): Either.Either<string, string> =>
  /^[\w.@-]+(?:\/[\w.@-]+)*\/?$/.test(value)
    ? Either.right(value.replace(/\/$/, ""))
    : Either.left(`"${value}" is no mount; give it as secret or team/kv`)

/** What an HTTP header can carry; the message must not repeat the value. */
const parseToken = (value: string): Either.Either<Redacted.Redacted, string> =>
  /^[\x21-\x7e]+$/.test(value)
    ? Either.right(Redacted.make(value))
    : Either.left("it has spaces, control characters or non-ASCII letters; give it as one line of plain characters")

const tokenOf = Effect.gen(function* () {
  const none: VaultToken = { _tag: "None" }
  const file = yield* settingText("VAULT_TOKEN_FILE")
  if (Option.isSome(file)) return inFile(file.value)
  const given = yield* checkedSetting("VAULT_TOKEN", parseToken)
  if (Option.isSome(given)) return { _tag: "Given", token: given.value } satisfies VaultToken
  const role = yield* appRole
  if (Option.isSome(role)) return role.value
  const folder = yield* settingText("NOMAD_SECRETS_DIR")
  return Option.match(folder, {
    onNone: () => none,
    onSome: (path) => inFile(`${path.replace(/\/$/, "")}/vault_token`)
  })
})

/** Without its other half neither id is of use: who set one meant both. */
const appRole = Effect.gen(function* () {
  const roleId = yield* checkedSetting("VAULT_ROLE_ID", (value) => Either.map(parseToken(value), Redacted.value))
  const file = yield* settingText("VAULT_SECRET_ID_FILE")
  const given = yield* checkedSetting("VAULT_SECRET_ID", parseToken)
  const mount = yield* checkedSetting("VAULT_APPROLE_MOUNT", parseMount)
  const secretId: Option.Option<SecretId> = Option.orElse(
    Option.map(file, (path) => ({ _tag: "InFile" as const, path })),
    () => Option.map(given, (secret) => ({ _tag: "Given" as const, secretId: secret }))
  )
  if (Option.isNone(roleId) && Option.isNone(secretId)) return Option.none<VaultToken>()
  if (Option.isNone(roleId)) return yield* missing("VAULT_ROLE_ID", "is needed with VAULT_SECRET_ID")
  if (Option.isNone(secretId)) {
    return yield* missing("VAULT_SECRET_ID", "(or VAULT_SECRET_ID_FILE) is needed with VAULT_ROLE_ID")
  }
  return Option.some<VaultToken>({
    _tag: "AppRole",
    mount: Option.getOrElse(mount, () => "approle"),
    roleId: roleId.value,
    secretId: secretId.value
  })
})

const missing = (name: string, why: string) => Effect.fail(ConfigError.MissingData([name], `${name} ${why}`))

const inFile = (path: string): VaultToken => ({ _tag: "InFile", path })

const tlsOf = Effect.gen(function* () {
  const files = yield* tlsFiles({ ca: "VAULT_CACERT", cert: "VAULT_CLIENT_CERT", key: "VAULT_CLIENT_KEY" })
  const servername = yield* settingText("VAULT_TLS_SERVER_NAME")
  const unverified = yield* checkedSetting("VAULT_SKIP_VERIFY", (value) => {
    if (/^(1|t|true)$/i.test(value)) return Either.right(true)
    return /^(0|f|false)$/i.test(value) ? Either.right(false) : Either.left(`"${value}" is neither true nor false`)
  })
  const tls: TlsOptions = {
    ...files,
    ...(Option.isSome(servername) ? { servername: servername.value } : {}),
    ...(Option.getOrElse(unverified, () => false) ? { rejectUnauthorized: false } : {})
  }
  return tls
})
