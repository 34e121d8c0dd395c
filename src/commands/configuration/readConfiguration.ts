import type { FileSystem } from "@effect/platform"
import { Effect, Option } from "effect"
import type { JobInput } from "../../api/Requests.ts"
import type { FieldError } from "../../domain/FieldError.ts"
import { type CommandError, usageError } from "../CommandError.ts"
import type { Io } from "../Io.ts"
import { configurationFile, configurationText } from "./configurationText.ts"
import { mergeLayers } from "./mergeLayers.ts"
import { isObject, parsedConfiguration, type ParsedConfiguration } from "./parsedConfiguration.ts"
import { invalid, validated } from "./validated.ts"

/** What `submit-job` was asked to build. */
export interface Configuration {
  /** Bare, valid, and spelled as it was given otherwise. */
  readonly job: JobInput
  /** Where the version and the local history are kept. */
  readonly deployDir: string
  /** False: the image is to get no version tag. */
  readonly version: boolean
  /** Where it comes from, for messages. */
  readonly source: string
}

/** Where `deploy_dir` says nothing else. */
export const defaultDeployDir = "./deploy"

/** The configuration in a file, an argument or stdin, over that of the global file if one is given. */
export const readConfiguration = Effect.fnUntraced(function* (options: {
  readonly positional: Option.Option<string>
  readonly global: Option.Option<string>
}): Effect.fn.Return<Configuration, CommandError, FileSystem.FileSystem | Io> {
  const own = yield* Effect.flatMap(configurationText(options.positional), (text) =>
    parsedConfiguration(text, Effect.fail(usageError(nothingGiven(text.source))))
  )
  const global = yield* Option.match(options.global, {
    onNone: () => Effect.succeedNone,
    // A global file in which all is commented out changes nothing.
    onSome: (path) => Effect.asSome(parsedGlobal(path))
  })
  const job = yield* Option.match(global, {
    onNone: () => validated(own.record, ({ message }) => `${own.source}: ${message}`),
    onSome: (lower) => merged(lower, own)
  })
  return {
    job,
    deployDir: job.deploy_dir ?? defaultDeployDir,
    version: own.version ?? Option.getOrUndefined(global)?.version ?? true,
    source: sourceOf(own, Option.getOrUndefined(global))
  }
})

const nothingGiven = (source: string): string =>
  source === "stdin" || source === "the argument"
    ? "no job configuration provided"
    : `no job configuration provided: ${source} is empty`

const parsedGlobal = (path: string) =>
  Effect.flatMap(configurationFile(path, "global configuration"), (text) =>
    parsedConfiguration(text, Effect.succeed({}))
  )

const merged = (lower: ParsedConfiguration, upper: ParsedConfiguration): Effect.Effect<JobInput, CommandError> => {
  const faults = [lower, upper].flatMap((layer) => layer.faults.map((fault) => `${layer.source}: ${fault}`))
  if (faults.length > 0) return Effect.fail(invalid(faults))
  return validated(mergeLayers(lower.layer, upper.layer), (error) => {
    const source = [upper, lower].find(({ layer }) => says(layer, error))?.source ?? sourceOf(upper, lower)
    return `${source}: ${error.message}`
  })
}

const sourceOf = (own: ParsedConfiguration, global: ParsedConfiguration | undefined): string =>
  global === undefined ? own.source : `${own.source} over ${global.source}`

/** Whether the value that a fault is about stands in this layer. */
const says = (layer: unknown, { path }: FieldError): boolean => {
  let value: unknown = layer
  for (const [, quoted, index, name] of path.matchAll(/\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]|([^.[\]]+)/g)) {
    // A key so odd that it had to be quoted is looked for no further than its map.
    if (quoted !== undefined) return true
    if (index !== undefined && Array.isArray(value)) value = value[Number(index)]
    else if (name !== undefined && isObject(value) && Object.hasOwn(value, name)) value = value[name]
    else return false
  }
  return path !== ""
}
