import { FileSystem } from "@effect/platform"
import { ConfigError, Effect, Option } from "effect"
import { settingText } from "./settingText.ts"
import type { TlsOptions } from "./Transport.ts"

/** The environment variables that name a system's PEM files. */
export interface TlsVariables {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Their contents. A certificate of ours without its key, or the other way round, is refused; an empty variable is none. */
export const tlsFiles = Effect.fnUntraced(function* (
  names: TlsVariables
): Effect.fn.Return<Pick<TlsOptions, "ca" | "cert" | "key">, ConfigError.ConfigError, FileSystem.FileSystem> {
  const ca = yield* pem(names.ca)
  const cert = yield* pem(names.cert)
  const key = yield* pem(names.key)
  if (Option.isSome(cert) !== Option.isSome(key)) {
    const [given, missing] = Option.isSome(cert) ? [names.cert, names.key] : [names.key, names.cert]
    return yield* Effect.fail(ConfigError.MissingData([missing], `${given} is set and needs it; set both or neither`))
  }
  return {
    ...(Option.isSome(ca) ? { ca: ca.value } : {}),
    ...(Option.isSome(cert) ? { cert: cert.value } : {}),
    ...(Option.isSome(key) ? { key: key.value } : {})
  }
})

const pem = Effect.fnUntraced(function* (name: string) {
  const path = yield* settingText(name)
  if (Option.isNone(path)) return Option.none<string>()
  const content = yield* readSettingFile(name, path.value)
  if (!content.includes("-----BEGIN ")) {
    return yield* Effect.fail(ConfigError.InvalidData([name], `${path.value} is no PEM file; convert it to PEM`))
  }
  return Option.some(content)
})

/** The text of a file that a variable names. */
export const readSettingFile = (
  name: string,
  path: string
): Effect.Effect<string, ConfigError.ConfigError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.mapError(files.readFileString(path), (error) =>
      ConfigError.InvalidData(
        [name],
        `the file ${path} can't be read (${error._tag === "SystemError" ? error.reason : "bad argument"}); give the path of a readable file`
      )
    )
  )
