import { execFile, spawnSync } from "node:child_process"
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Argument, Command, Option } from "commander"
import { completionModel } from "../../../src/commands/completion/CompletionModel.ts"
import { completionScript, type Shell, shells } from "../../../src/commands/completion/completionScript.ts"
import { makeProgram } from "../../../src/commands/makeProgram.ts"

const { program } = makeProgram("1.2.3", () => Promise.resolve())

/** A stand-in for the program, which answers the hidden command alone. */
const jobforge = `#!/bin/sh
[ "$1 $2" = "__complete job-ids" ] && printf 'web\\n8f14e45f-ceea\\n8f14e45f-dead\\n'
[ "$1 $2" = "__complete fields" ] && printf 'owner\\ntest\\ntest.env\\n'
echo noise >&2
exit 1
`

let folder = ""

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "completion-"))
  await writeFile(join(folder, "jobforge"), jobforge)
  await chmod(join(folder, "jobforge"), 0o755)
  await mkdir(join(folder, "work/records"), { recursive: true })
  await writeFile(join(folder, "work/build.yaml"), "")
  await writeFile(join(folder, "work/build two.yaml"), "")
  for (const shell of shells) await writeFile(join(folder, shell), completionScript(program, shell))
})

afterAll(() => rm(folder, { recursive: true }))

/** What the shell offers for the words of a command line, the last of which is being typed. */
const offered: Record<Shell, (words: ReadonlyArray<string>) => Promise<ReadonlyArray<string>>> = {
  bash: (words) => {
    // As readline parts words: an "=" is one of its own.
    const parted = words.flatMap((word) => word.split(/(=)/).filter((part, at) => part !== "" || at === 0))
    const typed = words.at(-1)?.endsWith("=") === true ? [...parted] : parted
    return inShell("bash", [
      "--norc",
      "-c",
      `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _jobforge; printf '%s\\n' "\${COMPREPLY[@]}"`,
      join(folder, "bash"),
      ...typed
    ])
  },
  // The functions of zsh's own completion are replaced by ones that print what they are given.
  zsh: (words) =>
    inShell("zsh", [
      "-f",
      "-c",
      `compdef() { : }
       script="$1"; shift; source "$script"
       words=("$@"); CURRENT=$#words
       compset() { words[CURRENT]="\${words[CURRENT]#*=}" }
       matching() { for each in "$@"; do [[ $each == "$words[CURRENT]"* ]] && print -r -- "$each"; done; true }
       _describe() { [[ $1 == -o ]] && shift; local -a entries; entries=("\${(@P)2}"); matching "\${(@)entries%%:*}" }
       compadd() { if [[ $1 == -a ]]; then matching "\${(@P)2}"; else shift; matching "$@"; fi }
       _files() { if [[ $1 == -/ ]]; then matching *(/N); else matching *(N); fi }
       _jobforge`,
      "zsh",
      join(folder, "zsh"),
      ...words
    ]),
  fish: async (words) => {
    const line = words.map((word) => word.replaceAll(" ", "\\ ")).join(" ")
    const found = await inShell("fish", [
      "--no-config",
      "-c",
      `source $argv[1]; complete -C $argv[2]`,
      join(folder, "fish"),
      line
    ])
    // With descriptions; folders with a slash at their end; a value with its option.
    return found.map((entry) =>
      (entry.split("\t")[0] ?? "")
        .replace(/\/$/, "")
        .replace(/^--[a-z-]+=/, "")
        .replaceAll("\\ ", " ")
    )
  }
}

const inShell = (shell: Shell, args: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
  new Promise((resolve, reject) => {
    const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder, LC_ALL: "C.UTF-8" }
    execFile(shell, [...args], { cwd: join(folder, "work"), env }, (error, stdout, stderr) => {
      if (error !== null || stderr !== "") reject(new Error(`${shell}: ${error?.message} ${stderr}`))
      else
        resolve(
          stdout
            .split("\n")
            .filter((line) => line !== "")
            .toSorted()
        )
    })
  })

const commands = program
  .createHelp()
  .visibleCommands(program)
  .map((command) => command.name())

for (const shell of shells) {
  const isThere = spawnSync(shell, ["--version"]).status === 0

  describe.skipIf(!isThere)(`the completion of ${shell}`, () => {
    const complete = (...words: ReadonlyArray<string>) => offered[shell](["jobforge", ...words])

    it("offers the commands, and those alone that begin so", async () => {
      assert.deepStrictEqual(await complete(""), commands.toSorted())
      assert.deepStrictEqual(await complete("version-m"), ["version-major", "version-minor"])
      assert.deepStrictEqual(await complete("--url", "http://x", "kill"), ["kill-job"])
      assert.deepStrictEqual(await complete("help", "diag"), ["diagnose"])
      assert.deepStrictEqual(await complete("__"), [])
    })

    it("offers a command's options, and the program's before it", async () => {
      assert.deepStrictEqual(await complete("submit-job", "--hi"), ["--history"])
      assert.deepStrictEqual(await complete("submit-job", "build.yaml", "--i"), ["--idempotency-key", "--image-tags"])
      assert.deepStrictEqual(await complete("--ver"), ["--version"])
      assert.deepStrictEqual(await complete("submit-job", "--conf"), [])
      assert.includeMembers([...(await complete("list", "--"))], ["--owner", "--status", "--watch", "--url", "--help"])
    })

    it("offers the values that an option or an argument has", async () => {
      const phases = ["build", "publish", "test"]
      assert.deepStrictEqual(await complete("get-logs", "web", ""), phases)
      assert.deepStrictEqual(await complete("logs", "--tail", "5", "web", "t"), ["test"])
      assert.deepStrictEqual(await complete("logs", "web", "--phase", ""), phases)
      assert.deepStrictEqual(await complete("logs", "-f", "--phase", "pub"), ["publish"])
      assert.deepStrictEqual(await complete("get-status", "web", "-o", "j"), ["json"])
      assert.deepStrictEqual(await complete("list", "--status", "P"), ["PENDING", "PUBLISHING"])
      assert.deepStrictEqual(await complete("completion", ""), ["bash", "fish", "zsh"])
    })

    it("offers the values behind an equals sign", async () => {
      assert.deepStrictEqual(await complete("get-status", "web", "--output=n"), ["name"])
      assert.deepStrictEqual(await complete("get-status", "web", "--output="), ["json", "name", "table", "yaml"])
      assert.deepStrictEqual(await complete("get-logs", "--phase=build", "8"), ["8f14e45f-ceea", "8f14e45f-dead"])
    })

    it("offers files and folders where they are meant", async () => {
      assert.deepStrictEqual(await complete("submit-job", "build"), ["build two.yaml", "build.yaml"])
      assert.deepStrictEqual(await complete("submit-job", "--global", "build."), ["build.yaml"])
      assert.deepStrictEqual(await complete("validate", "build.yaml", "rec"), ["records"])
      assert.deepStrictEqual(await complete("version-info", "--deploy-dir", ""), ["records"])
      assert.deepStrictEqual(await complete("get-history", "build"), [])
    })

    it("asks the program for job ids and fields", async () => {
      assert.deepStrictEqual(await complete("get-status", ""), ["8f14e45f-ceea", "8f14e45f-dead", "web"])
      assert.deepStrictEqual(await complete("logs", "-f", "w"), ["web"])
      assert.deepStrictEqual(await complete("kill-job", "8f14e45f-d"), ["8f14e45f-dead"])
      assert.deepStrictEqual(await complete("kill-job", "web", ""), [])
      assert.deepStrictEqual(await complete("explain", "test"), ["test", "test.env"])
    })
  })
}

describe("completionModel", () => {
  it("reads nowhere but in the tree", () => {
    const tree = new Command("x").option("-v, --verbose", "say more")
    tree
      .command("copy")
      .description("it's a copy")
      .argument("<folder>")
      .addArgument(new Argument("[mode...]").choices(["fast", "slow"]))
      .addOption(new Option("--secret <file>").hideHelp())
      .option("--limit [number]", "how many")
    tree.command("gone", { hidden: true })
    const { commands: found, valued } = completionModel(tree)
    assert.deepStrictEqual(
      found.map(({ name }) => name),
      ["copy", "help"]
    )
    assert.deepStrictEqual(found[0]?.arguments, [
      { words: { kind: "folders" }, isRepeated: false },
      { words: { kind: "values", values: ["fast", "slow"] }, isRepeated: true }
    ])
    assert.deepStrictEqual(valued, ["--limit"])
    assert.include(completionScript(tree, "fish"), String.raw`-d 'it\'s a copy'`)
    assert.include(completionScript(tree, "zsh"), String.raw`'copy:it'\''s a copy'`)
  })

  it("has no option that takes a value in one command and none in another", () => {
    const model = completionModel(program)
    const all = [...model.options, ...model.commands.flatMap(({ options }) => options)]
    for (const { spellings, value } of all) {
      for (const spelling of spellings)
        assert.strictEqual(value !== undefined, model.valued.includes(spelling), spelling)
    }
  })
})
