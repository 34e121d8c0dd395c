import { FileSystem } from "@effect/platform"
import { Effect, Either, Option, Predicate } from "effect"
import { parseRecordText } from "../../domain/parseRecordText.ts"
import { type CommandError, usageError } from "../CommandError.ts"
import { fileFault } from "../files/fileFault.ts"
import { Io } from "../Io.ts"

/** A configuration as it was given. */
export interface ConfigurationText {
  readonly text: string
  /** Where it comes from, for messages. */
  readonly source: string
}

/** What `submit-job` was given: a file's name, the configuration itself, or neither: then it is read from stdin, as for `-`. */
export const configurationText = (
  positional: Option.Option<string>
): Effect.Effect<ConfigurationText, CommandError, FileSystem.FileSystem | Io> =>
  Option.match(
    Option.filter(positional, (given) => given !== "-"),
    { onNone: () => fromStdin, onSome: fromArgument }
  )

/** A file that was named as one. */
export const configurationFile = (
  path: string,
  whatFor: string
): Effect.Effect<ConfigurationText, CommandError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(path)).pipe(
    Effect.map((text) => ({ text, source: path })),
    Effect.mapError((error) =>
      usageError(
        error._tag === "SystemError" && error.reason === "NotFound"
          ? `${whatFor}: no such file: ${path}`
          : `${whatFor}: ${path} cannot be read: ${fileFault(error)}`
      )
    )
  )

const fromStdin = Effect.gen(function* () {
  const { stdin } = yield* Io
  return { text: Option.getOrElse(yield* stdin, () => ""), source: "stdin" }
})

const whatFor = "job configuration"

const fromArgument = Effect.fnUntraced(function* (given: string) {
  const fs = yield* FileSystem.FileSystem
  // An argument that can't be a file's name, being too long for instance, is no file either.
  const isThere = yield* Effect.orElseSucceed(fs.exists(given), () => false)
  if (isThere || looksLikePath(given)) return yield* configurationFile(given, whatFor)
  if (isWord(given)) {
    return yield* usageError(`${whatFor}: "${given}" is neither a file nor a configuration in YAML or JSON`)
  }
  return { text: given, source: "the argument" }
})

/** Of a configuration in one line at least the blank behind a colon, or a brace, tells it from a path. */
const looksLikePath = (given: string): boolean =>
  /^[^{[\n][^\n]*$/.test(given) && !/:(?:\s|$)/.test(given) && (/\.(?:ya?ml|json)$/i.test(given) || given.includes("/"))

/** A single value: a text that nobody meant as a configuration. */
const isWord = (given: string): boolean =>
  given.trim() !== "" &&
  Either.match(parseRecordText(given), {
    onLeft: () => false,
    onRight: (value) => !Predicate.isRecord(value) && !Array.isArray(value)
  })
