import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { FileSystem } from "@effect/platform"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, Exit, type Layer, Option, type Scope } from "effect"
import type { CommandError } from "../../../src/commands/CommandError.ts"
import { Io } from "../../../src/commands/Io.ts"
import { type SyncOptions, syncWith } from "../../../src/commands/sync.ts"
import { Consul } from "../../../src/consul/Consul.ts"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { keysBelow } from "../../../src/store/keys.ts"
import { consulClient } from "../../support/consulClient.ts"
import { consulProgram, startRealConsul } from "../../support/RealConsul.ts"
import { recordedIo } from "../support/recordedIo.ts"

export const keys = keysBelow("jobforge-service")

export interface Ran {
  readonly out: string
  readonly err: string
  /** 0 for success. */
  readonly code: number
  readonly message: string
}

/** A folder, a Consul, and the command between them. */
export interface Bench {
  readonly address: string
  readonly consul: Consul["Type"]
  readonly folder: string
  readonly write: (file: string, text: string) => Effect.Effect<void>
  readonly remove: (file: string) => Effect.Effect<void>
  readonly sync: (options?: SyncOptions, consul?: Consul["Type"]) => Effect.Effect<Ran>
  /** The value of `jobs/<name>`. */
  readonly record: (name: string) => Effect.Effect<string | undefined>
  readonly put: (name: string, text: string) => Effect.Effect<void>
  readonly names: Effect.Effect<ReadonlyArray<string>>
  readonly marks: Effect.Effect<ReadonlyArray<string>>
}

export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-sync-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

export const benchAt = Effect.fnUntraced(function* (address: string): Effect.fn.Return<Bench, never, Scope.Scope> {
  const consul = yield* consulClient({ origin: address })
  const folder = yield* temporaryFolder
  return {
    address,
    consul,
    folder,
    write: (file, text) =>
      Effect.promise(async () => {
        await mkdir(dirname(join(folder, file)), { recursive: true })
        await writeFile(join(folder, file), text)
      }),
    remove: (file) => Effect.promise(() => rm(join(folder, file), { recursive: true })),
    sync: (options = {}, other = consul) => runSync(folder, options, other),
    record: (name) =>
      Effect.orDie(
        Effect.map(consul.get(`${keys.jobs}${name}`), (entry) =>
          Option.getOrUndefined(Option.map(entry, ({ value }) => new TextDecoder().decode(value)))
        )
      ),
    put: (name, text) => Effect.orDie(consul.put(`${keys.jobs}${name}`, text)),
    names: Effect.orDie(
      Effect.map(consul.keys(keys.jobs), ({ value }) => value.map((key) => key.slice(keys.jobs.length)))
    ),
    marks: Effect.orDie(
      Effect.map(consul.keys(keys.managed), ({ value }) => value.map((key) => key.slice(keys.managed.length)))
    )
  }
})

export const runSync = Effect.fnUntraced(function* (
  folder: string,
  options: SyncOptions,
  consul: Consul["Type"],
  files: Layer.Layer<FileSystem.FileSystem> = NodeFileSystem.layer
) {
  const io = recordedIo()
  const exit = yield* syncWith(folder, options).pipe(
    Effect.provide(files),
    Effect.provideService(Io, io.io),
    Effect.provideService(Consul, consul),
    Effect.provide(NodePath.layer),
    Effect.catchIf(
      (error) => error._tag !== "CommandError",
      (error) => Effect.dieMessage(error.message)
    ),
    Effect.exit
  )
  return { out: io.out(), err: io.err(), ...ended(exit) }
})

const ended = (exit: Exit.Exit<void, CommandError>): Pick<Ran, "code" | "message"> => {
  if (Exit.isSuccess(exit)) return { code: 0, message: "" }
  const error = Exit.causeOption(exit).pipe(
    Option.flatMap((cause) => (cause._tag === "Fail" ? Option.some(cause.error) : Option.none()))
  )
  return Option.match(error, {
    onNone: () => ({ code: -1, message: String(exit) }),
    onSome: ({ exitCode, message }) => ({ code: exitCode, message })
  })
}

export const embeddedBench: Effect.Effect<Bench, never, Scope.Scope> = Effect.flatMap(
  Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 })),
  ({ address }) => benchAt(address)
)

const realBench: Effect.Effect<Bench, never, Scope.Scope> = Effect.flatMap(
  startRealConsul(consulProgram() ?? "consul"),
  ({ address }) => benchAt(address)
)

/** What each of the tests runs on. */
export const benches = [
  { on: "on an embedded Consul", bench: embeddedBench, absent: false },
  { on: "on a real Consul", bench: realBench, absent: consulProgram() === undefined }
]

export const yaml = (image: string, tag = "latest"): string =>
  [
    `# The ${image} image.`,
    "owner: team-a",
    `repo_url: https://git.example.com/team-a/${image}.git`,
    `image_name: team-a/${image}`,
    `image_tags: [${tag}]`,
    "registry_url: registry.example.com:5000",
    ""
  ].join("\n")

export const json = (image: string): string =>
  `{
  "owner": "team-a",
  "repo_url": "https://git.example.com/team-a/${image}.git",
  "image_name": "team-a/${image}",
  "image_tags": ["latest"],
  "registry_url": "registry.example.com:5000"
}
`
