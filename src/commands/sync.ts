import type { FileSystem, Path } from "@effect/platform"
import { Cause, type ConfigError, Effect, Either } from "effect"
import type { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { keysBelow } from "../store/keys.ts"
import { knobs } from "../store/knobs.ts"
import { CommandError, exitCodes, usageError } from "./CommandError.ts"
import { Io } from "./Io.ts"
import type { PlanOptions } from "./sync/planChange.ts"
import { syncOnce } from "./sync/syncOnce.ts"
import { watchFolder } from "./sync/watchFolder.ts"
import { withConsul } from "./withConsul.ts"

export interface SyncOptions {
  /** Record names begin with it; a missing `/` at its end is added. */
  readonly prefix?: string
  /** Who manages the records: `sync` when left out. */
  readonly manager?: string
  readonly dryRun?: boolean
  /** With `dryRun`: ends with 1 when something would change. */
  readonly exitCode?: boolean
  /** Deletes the records that this manager wrote below this prefix and that have no file any more. */
  readonly prune?: boolean
  /** Prunes even if the folder has no record at all. */
  readonly allowEmpty?: boolean
  /** Takes over records that are there already and that somebody else wrote. With `watch`: at the start. */
  readonly adopt?: boolean
  readonly watch?: boolean
  readonly output?: "text" | "json"
}

/** Makes the records below a prefix equal to a folder of YAML and JSON files. Speaks to Consul alone. */
export const sync = Effect.fn("sync")(function* (
  directory: string,
  options: SyncOptions
): Effect.fn.Return<void, CommandError, Io | FileSystem.FileSystem | Path.Path> {
  yield* withConsul(syncWith(directory, options)).pipe(
    Effect.mapError((error) => (error._tag === "CommandError" ? error : fromElsewhere(error)))
  )
})

/** The same with a Consul of the caller's. */
export const syncWith = Effect.fn("syncWith")(function* (
  directory: string,
  options: SyncOptions
): Effect.fn.Return<void, CommandError | ApiError, Consul | Io | FileSystem.FileSystem | Path.Path> {
  const { environment } = yield* Io
  const plan: PlanOptions = {
    keys: keysBelow(yield* keyPrefixOf(environment["CONSUL_KEY_PREFIX"])),
    prefix: yield* prefixOf(options.prefix ?? ""),
    manager: yield* managerOf(options.manager ?? "sync"),
    prune: options.prune === true,
    adopt: options.adopt === true
  }
  const more = { directory, json: options.output === "json", allowEmpty: options.allowEmpty === true }
  if (options.watch !== true) {
    return yield* syncOnce(plan, { ...more, dryRun: options.dryRun === true, exitCode: options.exitCode === true })
  }
  if (options.dryRun === true) return yield* usageError("--dry-run writes nothing, and so has nothing to --watch")
  return yield* watchFolder(plan, more)
})

const fromElsewhere = (error: ApiError | ConfigError.ConfigError): CommandError => {
  if (!("system" in error)) return usageError(Cause.pretty(Cause.fail(error)).replace(/^\((.*)\)$/s, "$1"))
  const exitCode = error._tag === "Unavailable" ? exitCodes.unreachable : exitCodes.failed
  return new CommandError({ message: error.message, exitCode })
}

const keyPrefixOf = (given: string | undefined): Either.Either<string, CommandError> => {
  const { env, fallback, parse } = knobs.keyPrefix
  return Either.mapLeft(parse(given === undefined || given === "" ? fallback : given), (why) =>
    usageError(`${env} ${why}`)
  )
}

const prefixOf = (given: string): Either.Either<string, CommandError> => {
  const segments = given.replace(/\/$/, "").split("/")
  if (given === "") return Either.right("")
  if (segments.some((segment) => /^\.{0,2}$|[\p{Cc}\p{Surrogate}]/u.test(segment))) {
    return Either.left(
      usageError(`--prefix ${JSON.stringify(given)}: give the names' beginning, as team-a/, without . or .. or //`)
    )
  }
  return Either.right(`${segments.join("/")}/`)
}

const managerOf = (given: string): Either.Either<string, CommandError> =>
  /^[A-Za-z0-9](?:[A-Za-z0-9._@:/-]{0,126}[A-Za-z0-9])?$/.test(given)
    ? Either.right(given)
    : Either.left(
        usageError("--manager must be at most 128 letters, digits and ._@:/- and start and end with a letter or digit")
      )
