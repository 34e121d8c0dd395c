import { FileSystem, type Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, Either, Option } from "effect"
import { maximumRecordSize } from "../../domain/parseRecordText.ts"
import { CommandError, exitCodes, usageError } from "../CommandError.ts"
import { configurationFile } from "../configuration/configurationText.ts"
import { fileFault } from "../files/fileFault.ts"
import { Io } from "../Io.ts"
import { filesOf } from "./filesOf.ts"
import { type Finding, judge, type Judgement, showFinding, type Source } from "./judge.ts"

export interface ValidateOptions {
  /** Files, folders, or `-` for stdin. */
  readonly files: ReadonlyArray<string>
  /** Settings under each file's own, as `submit-job --global` has them. */
  readonly global?: string
  readonly output?: "json"
}

/** Findings on stdout, how many on stderr. Asks nobody: what is valid here can still name what doesn't exist. */
export const validate = Effect.fn("validate")(function* (
  options: ValidateOptions
): Effect.fn.Return<void, CommandError, Io | FileSystem.FileSystem | Path.Path> {
  const { err, out } = yield* Io
  const common = options.global === undefined ? undefined : yield* readGlobal(options.global)
  const sources = yield* Effect.forEach(options.files, sourcesOf)
  const once = [...new Map(sources.flat().map((given) => [nameOf(given), given])).values()]
  const judged = yield* Effect.forEach(
    once,
    Either.match({
      onLeft: (fault) => Effect.succeed<Judgement>({ file: fault.file, valid: false, errors: [fault], warnings: [] }),
      onRight: (source) => judge(source, common)
    })
  )
  // What is wrong with the global file is so for each of the others, and said once.
  const errors = distinct(judged.flatMap((judgement) => judgement.errors.map((finding) => showFinding(finding))))
  const warnings = distinct(
    judged.flatMap((judgement) => judgement.warnings.map((finding) => showFinding(finding, "warning")))
  )
  yield* out(options.output === "json" ? json(judged) : plain(judged))
  const summary = [
    counted(judged.length, "file"),
    counted(errors.length, "error"),
    ...(warnings.length === 0 ? [] : [counted(warnings.length, "warning")])
  ].join(", ")
  if (errors.length > 0) return yield* new CommandError({ message: summary, exitCode: exitCodes.usage })
  yield* err(`${summary}\n`)
})

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

const distinct = (lines: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(lines)]

const plain = (judged: ReadonlyArray<Judgement>): string =>
  distinct(
    judged.flatMap(({ errors, warnings }) => [
      ...errors.map((finding) => showFinding(finding)),
      ...warnings.map((finding) => showFinding(finding, "warning"))
    ])
  )
    .map((line) => `${line}\n`)
    .join("")

const json = (judged: ReadonlyArray<Judgement>): string => `${JSON.stringify({ files: judged.map(shown) }, null, 2)}\n`

const shown = ({ errors, file, valid, warnings }: Judgement) => {
  // A finding names its file only where that is another one.
  const at = (finding: Finding) => {
    const { file: where, ...rest } = finding
    return where === file ? rest : finding
  }
  return { file, valid, errors: errors.map(at), warnings: warnings.map(at) }
}

type Given = Either.Either<Source, Finding>

const nameOf = (given: Given): string => Either.merge(given).file

const sourcesOf = (
  given: string
): Effect.Effect<ReadonlyArray<Given>, CommandError, Io | FileSystem.FileSystem | Path.Path> => {
  if (given === "-") return Effect.map(readStdin, (text) => [Either.right({ file: "<stdin>", text })])
  return Effect.flatMap(Effect.either(filesOf(given)), (found) => {
    if (Either.isLeft(found)) return Effect.succeed([Either.left(unread(given, found.left))])
    if (found.right.length === 0) {
      return Effect.succeed([Either.left(fault(given, "no .yaml, .yml or .json file is in this folder or below"))])
    }
    return Effect.forEach(found.right, readSource)
  })
}

const readStdin = Effect.flatMap(Io, ({ stdin }) => stdin).pipe(
  Effect.flatMap(
    Option.match({
      onNone: () =>
        Effect.fail(usageError("nothing is on stdin; give it a file, as in: jobforge validate - < build.yaml")),
      onSome: Effect.succeed
    })
  )
)

const readSource = (file: string): Effect.Effect<Given, never, FileSystem.FileSystem> =>
  Effect.match(readBounded(file), {
    onFailure: (error) => Either.left(unread(file, error)),
    onSuccess: Option.match({
      onNone: () => Either.left(fault(file, "the record is larger than 512 KiB")),
      onSome: (text) => Either.right({ file, text })
    })
  })

/** None for a file so long that there is no record in it. */
const readBounded = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  const { size } = yield* files.stat(file)
  return size > 4 * maximumRecordSize ? Option.none() : Option.some(yield* files.readFileString(file))
})

const readGlobal = (path: string): Effect.Effect<Source, CommandError, FileSystem.FileSystem> =>
  Effect.map(configurationFile(path, "global configuration"), ({ source, text }) => ({ file: source, text }))

const unread = (file: string, error: PlatformError): Finding =>
  fault(
    file,
    error._tag === "SystemError" && error.reason === "NotFound"
      ? "there is no such file or folder, or it is a link to nowhere"
      : `cannot be read: ${fileFault(error)}`
  )

const fault = (file: string, message: string): Finding => ({ file, line: 1, column: 1, path: "", message })
