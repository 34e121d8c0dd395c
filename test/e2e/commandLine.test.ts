import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { CommandLine } from "./support/commandLine.ts"
import { uuid } from "./support/Example.ts"
import { endings, local, versions } from "./support/localExamples.ts"
import { missingPrograms, titled } from "./support/requirements.ts"
import { readings, submissions } from "./support/serviceExamples.ts"

const minutes = 60_000

describe.skipIf(missingPrograms.length > 0)(titled("the command line, by the real program in a real shell"), () => {
  let line: CommandLine
  let ended = ""
  const seen: Array<string> = []

  beforeAll(async () => {
    line = await CommandLine.start()
    const { stderr, stdout } = await line.shell().run("jobforge submit-job build.yaml --no-version -o name")
    ended = stdout.trim()
    assert.match(ended, uuid, stderr)
    await line.shell().run(`jobforge wait ${ended}`)
  }, 3 * minutes)
  afterAll(async () => {
    process.stdout.write(`${["The examples of the command line:", ...seen].join("\n")}\n`)
    await line?.stop()
  }, minutes)

  const groups = { submissions, readings, versions, local, endings }
  for (const [group, examples] of Object.entries(groups)) {
    for (const example of examples) {
      it(`${group}: ${example.script}`, { timeout: 4 * minutes }, async () => {
        const shell = line.shell()
        const answer = await shell.run(`id=${ended}\n${example.script}`, example.input?.(line))
        seen.push(`  exit ${answer.code}  ${example.script.replaceAll("\n", "; ")}`)
        assert.strictEqual(answer.code, example.code ?? 0, answer.stderr + answer.stdout)
        example.holds?.(answer, shell, line)
      })
    }
  }

  it("finds the service in Consul's catalog when nobody says where it is", async () => {
    const shell = line.shell({ CONSUL_HTTP_ADDR: line.consul })
    const { code, stderr, stdout } = await shell.run("jobforge health | head -n 1")
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout, `Service URL: ${line.url}\n`)
  })

  it(
    "leaves the documented files behind a job that succeeds and one that fails",
    { timeout: 4 * minutes },
    async () => {
      for (const [file, code, mark] of [
        ["build.yaml", 0, "✅"],
        ["failing.yaml", 1, "❌"]
      ] as const) {
        const shell = line.shell()
        const run = await shell.run(`jobforge submit-job ${file} --history --watch`)
        assert.strictEqual(run.code, code, run.stderr)
        const { stdout } = await shell.run("cd deploy && find . -type f | sort")
        const [id = ""] = /[0-9a-f-]{36}/.exec(stdout) ?? []
        const logs = [`./builds/${id}/build.log`]
        const files = [
          ...logs,
          `./builds/${id}/metadata.yaml`,
          `./builds/${id}/status.md`,
          "./history.md",
          "./version.yaml"
        ]
        assert.deepStrictEqual(stdout.trim().split("\n"), files)
        const read = (name: string) => readFileSync(join(shell.folder, "deploy", name), "utf8")
        assert.match(read("history.md"), new RegExp(`^# Build History\n\n## ${id} \\(`))
        assert.include(read(`builds/${id}/status.md`), `${mark} Status: ${code === 0 ? "SUCCEEDED" : "FAILED"}`)
        assert.strictEqual(read("history.md").split(`## ${id}`).length, 2)
      }
    }
  )
})
