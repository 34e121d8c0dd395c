import { FileSystem } from "@effect/platform"
import { Effect, Option } from "effect"
import { JobForge } from "../client/JobForge.ts"
import { Consul } from "../consul/Consul.ts"
import { type CommandError, usageError } from "./CommandError.ts"
import { Io } from "./Io.ts"
import { withConsul } from "./withConsul.ts"

/** What every command that talks to the service takes. */
export interface ConnectOptions {
  readonly url?: string
  readonly tokenFile?: string
}

/**
 * The service that is meant: `--url`, else `JOB_SERVICE_URL`, else a healthy instance of `jobforge-service` in Consul's
 * catalog, else `http://localhost:8080`. With the token of `--token-file`, or `JOB_SERVICE_TOKEN` (`_FILE`), if there is one.
 */
export const connect = Effect.fnUntraced(function* (
  options: ConnectOptions
): Effect.fn.Return<JobForge, CommandError, Io | FileSystem.FileSystem> {
  const { environment } = yield* Io
  const token = yield* tokenOf(options.tokenFile, environment)
  const baseUrl = yield* urlOf(options.url, environment)
  return new JobForge({ baseUrl, ...(token === undefined ? {} : { token }) })
})

const urlOf = Effect.fnUntraced(function* (flag: string | undefined, environment: Io["Type"]["environment"]) {
  if (flag !== undefined) return yield* checkedUrl("--url", flag)
  const variable = environment["JOB_SERVICE_URL"]
  if (variable !== undefined && variable !== "") return yield* checkedUrl("JOB_SERVICE_URL", variable)
  const found = yield* discovered(environment)
  return Option.getOrElse(found, () => "http://localhost:8080")
})

/** `host:port` is taken for what it means. */
const checkedUrl = (name: string, given: string): Effect.Effect<string, CommandError> => {
  const text = /^https?:\/\//i.test(given) ? given : `http://${given}`
  return /^[^\s?#]+$/.test(given) && !/^[a-z+.-]+:\/\//i.test(given.replace(/^https?:\/\//i, "")) && URL.canParse(text)
    ? Effect.succeed(text.replace(/\/+$/, ""))
    : Effect.fail(usageError(`${name}: "${given}" is no address of a service; give it as http://host:port`))
}

/** Nobody waits long for a Consul that isn't there. Only one that was named is worth a word. */
const discovered = (
  environment: Io["Type"]["environment"]
): Effect.Effect<Option.Option<string>, never, Io | FileSystem.FileSystem> =>
  withConsul(Effect.flatMap(Consul, (consul) => consul.healthService("jobforge-service", true))).pipe(
    Effect.map(([first]) => Option.map(Option.fromNullable(first), addressOf)),
    Effect.timeout("2 seconds"),
    Effect.catchAll((error) =>
      (environment["CONSUL_HTTP_ADDR"] ?? "") === ""
        ? Effect.succeedNone
        : Effect.flatMap(Io, ({ err }) =>
            err(`Warning: the service can't be looked up in Consul: ${error.message}\n`)
          ).pipe(Effect.zipRight(Effect.succeedNone))
    )
  )

const addressOf = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}`

const tokenOf = Effect.fnUntraced(function* (flag: string | undefined, environment: Io["Type"]["environment"]) {
  const file = flag ?? environment["JOB_SERVICE_TOKEN_FILE"]
  if (file === undefined || file === "") return environment["JOB_SERVICE_TOKEN"] || undefined
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(files.readFileString(file), (error) =>
    usageError(`the token's file can't be read: ${error.message}`)
  )
  return text.trim()
})
