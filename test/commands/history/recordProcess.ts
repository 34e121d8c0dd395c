import { FileSystem } from "@effect/platform"
import { Effect, Option } from "effect"
import { recordEnded } from "../../../src/commands/history/recordEnded.ts"
import { recordSubmitted } from "../../../src/commands/history/recordSubmitted.ts"
import { recorded, system, withFileSystem } from "../support/scratch.ts"
import { job, succeeded } from "./builds.ts"

/** A process that records builds: `<deploy dir> <records|crashes> <id>…`. The second dies before a file has its name. */
const [deployDir = "", task = "", ...ids] = process.argv.slice(2)

const record = (jobId: string) =>
  recorded(
    Effect.zipRight(
      recordSubmitted({ deployDir, jobId, job }),
      recordEnded({ deployDir, jobId, job, state: succeeded, logs: Option.none() })
    )
  )

const crash = withFileSystem(Effect.forEach(ids, record), (fs) => ({
  rename: (from, to) =>
    to.endsWith("history.md")
      ? Effect.asVoid(Effect.sync(() => process.kill(process.pid, "SIGKILL")))
      : fs.rename(from, to)
}))

const program = task === "crashes" ? crash : Effect.forEach(ids, record)

await Effect.runPromise(
  program.pipe(
    Effect.tap((records) => Effect.sync(() => process.stderr.write(records.map(({ io }) => io.err()).join("")))),
    Effect.tap(FileSystem.FileSystem),
    Effect.provide(system)
  )
)
