import { Command, CommandExecutor, FileSystem, type Path } from "@effect/platform"
import { type PlatformError, SystemError } from "@effect/platform/Error"
import * as NodeCommandExecutor from "@effect/platform-node/NodeCommandExecutor"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, Layer } from "effect"
import { Io } from "../../../src/commands/Io.ts"
import { recordedIo, type Recorded } from "./recordedIo.ts"

/** The real system's files and programs. */
export const system: Layer.Layer<CommandExecutor.CommandExecutor | FileSystem.FileSystem | Path.Path> =
  NodeCommandExecutor.layer.pipe(Layer.provideMerge(Layer.merge(NodeFileSystem.layer, NodePath.layer)))

/** A folder of its own, removed with the scope. */
export const scratch = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  Effect.acquireRelease(fs.makeTempDirectory({ prefix: "jobforge-" }), (path) =>
    Effect.ignore(fs.remove(path, { recursive: true, force: true }))
  )
)

/** What the effect wrote to people and programs, with what it came to. */
export const recorded = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  given: Parameters<typeof recordedIo>[0] = {}
): Effect.Effect<{ readonly result: A; readonly io: Recorded }, E, Exclude<R, Io>> =>
  Effect.suspend(() => {
    const io = recordedIo(given)
    return Effect.map(Effect.provideService(effect, Io, io.io), (result) => ({ result, io }))
  })

/** A file's text, as it is on the disk. */
export const textOf = (path: string) => Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(path))

export const put = (path: string, text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.writeFileString(path, text))

/** Names in a folder, in order. */
export const namesIn = (path: string) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readDirectory(path)),
    (names) => names.toSorted()
  )

/** As Node reports a disk without room. */
export const diskFull = (method: string, path: string): PlatformError =>
  new SystemError({
    reason: "Unknown",
    module: "FileSystem",
    method,
    pathOrDescriptor: path,
    description: "ENOSPC: no space left on device, write"
  })

/** The real file system, changed in one place. */
export const withFileSystem = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  change: (fs: FileSystem.FileSystem) => Partial<FileSystem.FileSystem>
): Effect.Effect<A, E, R | FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) =>
    Effect.provideService(effect, FileSystem.FileSystem, { ...fs, ...change(fs) })
  )

/** Programs are started as `change` has it: in another folder, or without their path. */
export const withPrograms = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  change: (command: Command.Command) => Command.Command
): Effect.Effect<A, E, CommandExecutor.CommandExecutor | Exclude<R, CommandExecutor.CommandExecutor>> =>
  Effect.flatMap(CommandExecutor.CommandExecutor, (real) =>
    Effect.provideService(
      effect,
      CommandExecutor.CommandExecutor,
      CommandExecutor.makeExecutor((command) => real.start(change(command)))
    )
  )

export const git = (root: string, ...args: ReadonlyArray<string>) =>
  Command.make(
    "git",
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@example.com",
    "-c",
    "commit.gpgsign=false",
    ...args
  ).pipe(
    Command.workingDirectory(root),
    Command.exitCode,
    Effect.filterOrDie(
      (code) => code === 0,
      () => new Error(`git ${args.join(" ")} failed`)
    )
  )

/** A repository with one commit on `branch`. */
export const repository = (root: string, branch: string) =>
  Effect.zipRight(git(root, "init", "-q", "-b", branch), git(root, "commit", "-q", "--allow-empty", "-m", "first"))
