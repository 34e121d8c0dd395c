import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Array as Arr, Effect, Either, Option } from "effect"
import { isUuid } from "../../domain/childIds.ts"
import { maxRecordBytes, readRecord } from "../../store/RecordTable.ts"
import { type CommandError, usageError } from "../CommandError.ts"
import { judge, showFinding } from "../validate/judge.ts"
import { locator } from "../validate/locate.ts"
import { sha256 } from "./Mark.ts"
import type { RecordFile } from "./planChange.ts"
import { ending, gone, isGone, type Place, walkFolder, type WatchedFolder } from "./walkFolder.ts"

/** What is wrong with a file, in a line that an editor can follow. */
export interface FileFault {
  /** The record that the file would be; with `/` at its end all below. */
  readonly name: string
  readonly text: string
}

export interface Folder {
  /** The folder and those below it that are read. */
  readonly folders: ReadonlyArray<WatchedFolder>
  readonly records: ReadonlyArray<RecordFile>
  readonly faults: ReadonlyArray<FileFault>
}

/**
 * The records that a folder's `.yaml`, `.yml` and `.json` files are, each named by its path. Everything else in it is
 * passed over, and so is what is hidden, `.git` for instance.
 *
 * `valid` has the hashes of contents that were found valid before, and gets those that are now.
 */
export const readFolder = Effect.fn("readFolder")(function* (
  directory: string,
  prefix: string,
  valid: Set<string>
): Effect.fn.Return<Folder, CommandError, FileSystem.FileSystem | Path.Path> {
  const files = yield* FileSystem.FileSystem
  const root = yield* Effect.mapError(files.realPath(directory), (error) => unreadable(directory, error))
  const info = yield* Effect.mapError(files.stat(root), (error) => unreadable(directory, error))
  if (info.type !== "Directory") return yield* usageError(`${directory} is no folder`)
  yield* Effect.mapError(files.readDirectory(root), (error) => unreadable(directory, error))
  const tree = yield* walkFolder({ directory, root })
  const looked = yield* Effect.forEach(
    tree.files,
    (relative) => readFile({ directory, root, prefix, valid }, relative),
    {
      concurrency: 8
    }
  )
  const { faults, records } = splitDuplicates(Arr.getRights(looked))
  return {
    folders: tree.folders,
    records,
    faults: [
      ...tree.faults.map(({ relative, text }) => ({ name: `${prefix}${stem(relative)}`, text })),
      ...Arr.getLefts(looked).flat(),
      ...faults
    ]
  }
})

const unreadable = (directory: string, error: PlatformError): CommandError =>
  usageError(
    isGone(error) ? `there is no folder ${directory}` : `the folder ${directory} can't be read: ${error.message}`
  )

const stem = (relative: string): string => relative.replace(ending, "")

interface Reading extends Place {
  readonly prefix: string
  readonly valid: Set<string>
}

const readFile = Effect.fnUntraced(function* (place: Reading, relative: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(place.directory, relative)
  const name = `${place.prefix}${stem(relative)}`
  const fault = (message: string): FileFault => ({ name, text: `${file}: ${message}` })
  const misnamed = nameFault(name)
  if (misnamed !== undefined) return Either.left([fault(misnamed)])
  const full = path.join(place.root, relative)
  const size = Option.map(yield* Effect.option(files.stat(full)), (info) => Number(info.size))
  if (Option.exists(size, (bytes) => bytes > maxRecordBytes)) {
    return Either.left([fault(`the file has more than the ${maxRecordBytes} bytes that a record may have`)])
  }
  const read = yield* Effect.either(files.readFile(full))
  // One that is gone already counts for none that was never there: something is under way in the folder.
  if (Either.isLeft(read)) return Either.left([fault(isGone(read.left) ? gone : read.left.message)])
  return yield* judged({ name, file, bytes: read.right }, place.valid)
})

const judged = Effect.fnUntraced(function* (
  record: RecordFile,
  valid: Set<string>
): Effect.fn.Return<Either.Either<RecordFile, ReadonlyArray<FileFault>>> {
  const hash = sha256(record.bytes)
  if (valid.has(hash)) return Either.right(record)
  const read = readRecord(record.bytes)
  if (Either.isRight(read)) {
    valid.add(hash)
    return Either.right(record)
  }
  const text = new TextDecoder().decode(record.bytes)
  const placeOf = locator(text)
  const errors = read.left.map((error) => ({ ...error, ...placeOf(error.path), file: record.file }))
  // It knows the places better, of errors of syntax above all, but not all that makes a record.
  const found = (yield* judge({ file: record.file, text })).errors
  return Either.left(
    (found.length < errors.length ? errors : found).map((error) => ({ name: record.name, text: showFinding(error) }))
  )
})

/** What the service wouldn't take for this record, or for a record at all. */
const nameFault = (name: string): string | undefined => {
  if (isUuid(name)) return "a UUID is how the service names jobs that come over HTTP; rename the file"
  if (ending.test(name)) return "a record's name can't end in .yaml, .yml or .json; rename the file"
  if (name.endsWith(".ref")) return "the service ignores records whose name ends in .ref; rename the file"
  if (/[\p{Cc}\uFFFD]/u.test(name)) return "the name has control characters or isn't UTF-8; rename the file"
  return undefined
}

const splitDuplicates = (records: ReadonlyArray<RecordFile>) => {
  const groups = Object.values(Arr.groupBy(records, ({ name }) => name))
  return {
    records: groups.flatMap((group) => (group.length === 1 ? group : [])),
    faults: groups.flatMap((group) =>
      group.length === 1
        ? []
        : [
            {
              name: group[0].name,
              text: `${group.map(({ file }) => file).join(" and ")} are one record; keep one of them`
            }
          ]
    )
  }
}
