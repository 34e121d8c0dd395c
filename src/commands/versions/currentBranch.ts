import { Command, type CommandExecutor } from "@effect/platform"
import { Data, Effect, Stream } from "effect"

/** What Git says of the current folder. */
export type CurrentBranch = Data.TaggedEnum<{
  Branch: { readonly name: string }
  /** A commit is checked out, as continuous integration does it. */
  Detached: {}
  /** No repository, no commit yet, or no Git at all. */
  Unknown: { readonly why: string }
}>
export const CurrentBranch = Data.taggedEnum<CurrentBranch>()

export const currentBranch: Effect.Effect<CurrentBranch, never, CommandExecutor.CommandExecutor> = Effect.scoped(
  Effect.gen(function* () {
    const git = yield* Command.start(Command.make("git", "rev-parse", "--abbrev-ref", "HEAD"))
    const [output, complaint, code] = yield* Effect.all([textOf(git.stdout), textOf(git.stderr), git.exitCode], {
      concurrency: "unbounded"
    })
    if (code !== 0) return CurrentBranch.Unknown({ why: firstLine(complaint, `git ended with ${code}`) })
    const name = output.trim()
    return name === "HEAD" ? CurrentBranch.Detached() : CurrentBranch.Branch({ name })
  })
).pipe(
  Effect.timeoutTo({
    duration: "10 seconds",
    onSuccess: (branch): CurrentBranch => branch,
    onTimeout: () => CurrentBranch.Unknown({ why: "git doesn't answer" })
  }),
  Effect.catchAll((error) =>
    Effect.succeed(
      CurrentBranch.Unknown({
        why: error._tag === "SystemError" && error.reason === "NotFound" ? "git is not installed" : error.message
      })
    )
  )
)

const textOf = <E>(bytes: Stream.Stream<Uint8Array, E>): Effect.Effect<string, E> =>
  Stream.mkString(Stream.decodeText(bytes))

const firstLine = (text: string, otherwise: string): string => text.trim().split("\n")[0] || otherwise
