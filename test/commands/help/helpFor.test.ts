import { execFile } from "node:child_process"
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { CommanderError } from "commander"
import { helpFor, manuals, programHelp } from "../../../src/commands/help/helpFor.ts"
import { makeProgram } from "../../../src/commands/makeProgram.ts"

/** What serves is added by the entry point, with loading of its own. */
const served = ["serve", "dev"]

const programOf = () => makeProgram("1.2.3", () => Promise.resolve())

const commandNames = (): ReadonlyArray<string> => {
  const { program } = programOf()
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name())
    .filter((name) => name !== "help")
}

/** The arguments of each `jobforge` that a line of a shell runs. Whatever else is in the line runs for real. */
const callsOf = async (line: string): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const folder = await mkdtemp(join(tmpdir(), "help-"))
  try {
    const stub = join(folder, "jobforge")
    await mkdir(join(folder, ".config/fish/completions"), { recursive: true })
    await writeFile(
      stub,
      `#!/bin/sh\nprintf '%s\\0' "$@" >> "$CALLS"; printf '\\n' >> "$CALLS"; echo '{"retryable":true}'\n`
    )
    await chmod(stub, 0o755)
    const calls = join(folder, "calls")
    const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder, CALLS: calls, CI_PIPELINE_ID: "7" }
    await new Promise((resolve) => execFile("bash", ["-c", line], { cwd: folder, env }, resolve).stdin?.end())
    const text = await readFile(calls, "utf8").catch(() => "")
    return text
      .split("\n")
      .slice(0, -1)
      .map((call) => call.split("\0").slice(0, -1))
  } finally {
    await rm(folder, { recursive: true })
  }
}

const parseFault = async (argv: ReadonlyArray<string>): Promise<string | undefined> => {
  const { parse, program } = programOf()
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      throw error
    })
    command.configureOutput({ writeErr: () => undefined, outputError: () => undefined })
  }
  try {
    await parse(argv)
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) return error.message
    throw error
  }
}

describe("helpFor", () => {
  it("has details, an example and the exit codes of every command", () => {
    assert.isAbove(commandNames().length, 15)
    for (const name of [...commandNames(), ...served]) {
      const text = helpFor(name)
      assert.match(text, /^\n\S/, name)
      assert.match(text, /\n\nExamples:\n {2}# .+\n {2}\S/, name)
      assert.match(text, /\n\nExit codes:\n {2}0 {2}\S/, name)
    }
    assert.deepStrictEqual(
      Object.keys(manuals).filter((name) => ![...commandNames(), ...served].includes(name)),
      []
    )
  })

  it("is empty for what is no command", () => {
    for (const name of ["nonsense", "constructor", "__complete"]) assert.strictEqual(helpFor(name), "")
  })

  it("keeps to the width, but for lines to copy", () => {
    for (const width of [50, 80]) {
      for (const name of Object.keys(manuals)) {
        const examples = manuals[name]?.examples ?? []
        const copied = new Set(examples.flatMap(([purpose, line]) => [`  # ${purpose}`, `  ${line}`]))
        for (const line of helpFor(name, width).split("\n")) {
          if (!copied.has(line)) assert.isAtMost(line.length, width, line)
        }
      }
    }
    for (const line of programHelp.split("\n")) assert.isAtMost(line.length, 80)
  })

  it("never splits a word, however narrow the terminal", () => {
    assert.include(helpFor("health", 10), "JOB_SERVICE_URL")
  })

  const lines = Object.entries(manuals)
    .filter(([name]) => !served.includes(name))
    .flatMap(([name, { examples }]) => examples.map(([, line]) => [name, line] as const))

  it.each(lines)("shows for %s a line that the command line takes: %s", async (name, line) => {
    const calls = await callsOf(line)
    assert.include(
      calls.map((argv) => argv.find((argument) => argument === name)),
      name
    )
    for (const argv of calls) assert.strictEqual(await parseFault(argv), undefined, argv.join(" "))
  })

  it("notices an example that the command line doesn't take", async () => {
    assert.match((await parseFault(["logs", "--fellow", "web"])) ?? "", /unknown option/)
  })
})
