import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { Either, Schema } from "effect"

/** What a run of tests came to. */
export interface Outcome {
  /** Titles of the tests that failed. */
  readonly failed: ReadonlyArray<string>
  /** Why nothing can be said: no test ran, or a file could not be loaded. */
  readonly broken: string | undefined
  readonly timedOut: boolean
}

/** A copy of the checkout in a folder of its own, which can be changed without harm. */
export interface Copy {
  /** `undefined` when the patch was applied, else why it doesn't apply. */
  readonly apply: (patch: string, options?: { readonly reverse: boolean }) => Promise<string | undefined>
  /** Runs the tests that are named after these bugs. */
  readonly runTests: (bugs: ReadonlyArray<string>) => Promise<Outcome>
  readonly remove: () => void
}

const copied = [
  "src",
  "test",
  "scripts",
  "package.json",
  "vitest.config.ts",
  "tsconfig.base.json",
  "tsconfig.json",
  "tsconfig.src.json",
  "tsconfig.test.json"
]

export const makeCopy = async (): Promise<Copy> => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-mutants-"))
  for (const name of copied) cpSync(name, join(folder, name), { recursive: true })
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"))
  return {
    apply: async (patch, { reverse } = { reverse: false }) => {
      const file = join(folder, "mutant.patch")
      writeFileSync(file, patch)
      // Lines further away than one may change without the patch losing its place.
      const args = ["apply", "-C1", "--recount", ...(reverse ? ["--reverse"] : []), file]
      const { code, text } = await run("git", args, folder, 10_000)
      return code === 0 ? undefined : text.trim()
    },
    runTests: (bugs) => runTests(folder, bugs),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}

/** Milliseconds: what takes longer hangs, which is noticed too. */
const patience = 180_000

const Report = Schema.parseJson(
  Schema.Struct({
    testResults: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        message: Schema.optional(Schema.String),
        assertionResults: Schema.Array(Schema.Struct({ fullName: Schema.String, status: Schema.String }))
      })
    )
  })
)
const decodeReport = Schema.decodeUnknownEither(Report)

const runTests = async (folder: string, bugs: ReadonlyArray<string>): Promise<Outcome> => {
  const names = [...new Set(bugs)].map((bug) => `${bug}:`)
  const files = readdirSync(join(folder, "test/zoo"))
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => join("test/zoo", file))
    .filter((file) => names.some((name) => readFileSync(join(folder, file), "utf8").includes(name)))
  const report = join(folder, "report.json")
  rmSync(report, { force: true })
  const vitest = join(folder, "node_modules/vitest/vitest.mjs")
  const one = bugs.length === 1 ? ["--bail=1"] : []
  const output = ["--reporter=json", `--outputFile=${report}`, "--testTimeout=40000"]
  const args = [vitest, "run", ...files, "-t", names.join("|"), ...output, ...one]
  const { code, text } = await run(process.execPath, args, folder, bugs.length === 1 ? patience : 4 * patience)
  if (code === undefined) return { failed: [], broken: undefined, timedOut: true }
  return judge(existsSync(report) ? readFileSync(report, "utf8") : "", text)
}

const judge = (report: string, text: string): Outcome => {
  const decoded = decodeReport(report)
  if (Either.isLeft(decoded)) return { failed: [], broken: text.slice(-400), timedOut: false }
  const results = decoded.right.testResults
  const tests = results.flatMap(({ assertionResults }) => assertionResults)
  const failed = tests.filter(({ status }) => status === "failed").map(({ fullName }) => fullName)
  const unread = results.find(({ assertionResults }) => assertionResults.length === 0)
  const ran = tests.some(({ status }) => status === "passed" || status === "failed")
  const broken = unread === undefined ? (ran ? undefined : "no test ran") : `${unread.name}: ${unread.message ?? ""}`
  return { failed, broken, timedOut: false }
}

/** No code: it took too long and was ended. */
const run = (
  program: string,
  args: ReadonlyArray<string>,
  cwd: string,
  timeout: number
): Promise<{ readonly code: number | undefined; readonly text: string }> =>
  new Promise((done) => {
    const options = { cwd, timeout, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 } as const
    const child = execFile(program, [...args], options, (error, stdout, stderr) =>
      done({ code: child.killed ? undefined : error === null ? 0 : 1, text: `${stdout}${stderr}` })
    )
  })
