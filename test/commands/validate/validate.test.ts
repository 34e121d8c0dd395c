import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import { Io } from "../../../src/commands/Io.ts"
import { validate, type ValidateOptions } from "../../../src/commands/validate/validate.ts"
import { recordedIo } from "../support/recordedIo.ts"

/** A folder with these files, gone with the scope. */
const folderOf = (files: Readonly<Record<string, string | Buffer>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "validate-"))
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), text)
      }
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )

const run = Effect.fnUntraced(function* (options: ValidateOptions, stdin?: string) {
  const recorded = recordedIo({ stdin: Effect.succeed(Option.fromNullable(stdin)) })
  const ended = yield* Effect.either(
    validate(options).pipe(Effect.provideService(Io, recorded.io), Effect.provide(NodeContext.layer))
  )
  return {
    out: recorded.out(),
    err: recorded.err(),
    exitCode: Either.match(ended, { onLeft: ({ exitCode }) => exitCode, onRight: () => 0 }),
    message: Either.match(ended, { onLeft: ({ message }) => message, onRight: () => undefined })
  }
})

/** The findings about these files, without their folder. */
const findings = Effect.fnUntraced(function* (files: Readonly<Record<string, string>>, global?: string) {
  const folder = yield* folderOf(files)
  const { out } = yield* run({
    files: Object.keys(files)
      .filter((name) => name !== global)
      .map((name) => join(folder, name)),
    ...(global === undefined ? {} : { global: join(folder, global) })
  })
  return out.replaceAll(`${folder}/`, "").split("\n").slice(0, -1)
})

const good = `owner: platform
repo_url: https://git.example.com/shop.git
image_name: shop
registry_url: registry.example.com:5000
`

describe("validate", () => {
  it.scoped("says nothing about what is valid, and counts", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({
        "a.yaml": good,
        "b.json": JSON.stringify({ job_config: { ...base, git_ref: "v1" } })
      })
      const ended = yield* run({ files: [join(folder, "a.yaml"), join(folder, "b.json")] })
      assert.deepStrictEqual(ended, { out: "", err: "2 files, 0 errors\n", exitCode: 0, message: undefined })
    })
  )

  it.scoped("finds all errors of all files at once, each at its place", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({
        "one.yaml": `${good}ownr: x\ntest:\n  commands: [npm test, ""]\n  env:\n    PORT: 80\n    1X: y\n`,
        "two.json": '{\n  "owner": "x",\n  "image_name": "Shop"\n}\n'
      })
      const ended = yield* run({ files: [join(folder, "one.yaml"), join(folder, "two.json")] })
      assert.deepStrictEqual(ended.out.replaceAll(`${folder}/`, "").split("\n"), [
        "one.yaml:5:1: ownr: is not a known field; did you mean owner?",
        "one.yaml:7:24: test.commands[1]: must not be empty: it would test nothing and pass",
        "one.yaml:9:11: test.env.PORT: must be a string; put the value in quotes",
        'one.yaml:10:5: test.env["1X"]: is no valid name; expected a variable name of letters, digits and _, not starting with a digit',
        "two.json:1:1: repo_url: is required",
        "two.json:1:1: registry_url: is required",
        "two.json:3:17: image_name: must be an image repository: lower-case letters and digits, joined by single . _ or - and parted by /",
        ""
      ])
      assert.deepStrictEqual([ended.exitCode, ended.message], [2, "2 files, 7 errors"])
    })
  )

  it.scoped("points at the parent of what is missing, and at the key that is superfluous", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* findings({
          "a.yaml": `state: active\njob_config:\n  owner: x\n  state: active\n  image_name: a\n  registry_url: r.io\n  repo_url: https://x.io/a\n  test:\n    entry_point: true\n    vault_secrets:\n    - fields: {a: A}\nother: 1\n`
        }),
        [
          "a.yaml:4:3: state: is given both in job_config and beside it; keep one of them",
          "a.yaml:9:5: test.vault_policies: vault_policies is required when vault_secrets are specified",
          "a.yaml:11:7: test.vault_secrets[0].path: vault_secrets[0]: path is required",
          "a.yaml:12:1: other: stands beside job_config; move it into job_config"
        ]
      )
    })
  )

  it.scoped("points at a duplicate key and at an error of syntax", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* findings({
          "duplicate.yaml": `${good}test:\n  timeout: 1m\n  entry_point: true\n  timeout: 2m\n`,
          "duplicate.json": '{"owner": "x",\n "test": {"timeout": "1m", "timeout": "2m"}}',
          "syntax.yaml": `\ufeffowner: [\n`,
          "mark.yaml": `\ufeffowner: *x`,
          "tab.yaml": "test:\n\tcommands: [x]\n",
          "empty.yaml": "",
          "two.yaml": "a: 1\n---\nb: 2\n",
          "list.yaml": "\n- a\n",
          "deep.yaml": `a: ${"[".repeat(20)}${"]".repeat(20)}`
        }),
        [
          "duplicate.yaml:8:3: cannot be read as JSON or YAML: duplicated mapping key",
          "duplicate.json:2:28: cannot be read as JSON or YAML: duplicated mapping key",
          "syntax.yaml:2:1: cannot be read as JSON or YAML: deficient indentation",
          "mark.yaml:1:8: cannot be read as JSON or YAML: unidentified alias",
          "tab.yaml:2:1: cannot be read as JSON or YAML: tab characters must not be used in indentation",
          "empty.yaml:1:1: cannot be read as JSON or YAML: expected a document, but the input is empty",
          "two.yaml:1:1: cannot be read as JSON or YAML: expected a single document in the stream, but found more",
          "list.yaml:2:1: a configuration is a map of names and values",
          "deep.yaml:1:1: the record is nested deeper than 16 levels"
        ]
      )
    })
  )

  it.scoped("never shows a value", () =>
    Effect.gen(function* () {
      const secrets = [
        "*hunter2",
        "!hunter2 x",
        "[hunter2]",
        "{hunter2: x, hunter2: y}",
        '"hunter2',
        "hunter2: x",
        "1 hunter2\n\t- x"
      ]
      const files = Object.fromEntries(
        secrets.map((secret, index) => [`${index}.yaml`, `${good}webhook_secret: ${secret}\n`])
      )
      const lines = yield* findings({
        ...files,
        "more.yaml": `${good}webhook_url: https://hunter2@x.io\nwebhook_headers: {Authorization: "hunter2\\n"}\nrepo_urls: https://u:hunter2@x.io\ntest: {env: {A: [hunter2]}}\n`
      })
      assert.isAbove(lines.length, secrets.length + 3)
      for (const line of lines) assert.notInclude(line, "hunter2")
    })
  )

  it.scoped("warns of what is accepted and hardly meant", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* findings({
          "a.yaml": `${good}test_commands:\n  - make test\nwebhook_secret: s3cret\n`,
          "b.yaml": `${good}test:\n  env: {A: b}\nwebhook_headers: {A: b}\nversion: false\n`,
          "c.yaml": `${good}test: {commands: [x]}\nwebhook_url: https://x.io\nwebhook_secret: vault:secret/data/x#y\n`
        }),
        [
          "a.yaml:5:1: warning: test_commands: is the earlier name of test.commands",
          "a.yaml:7:1: warning: webhook_secret: does nothing without webhook_url",
          "a.yaml:7:17: warning: webhook_secret: stands here for every reader of the record; put it in Vault and name it as vault:<path>#<field>",
          "b.yaml:5:1: warning: test: has neither commands nor entry_point: the image is published without a test",
          "b.yaml:7:1: warning: webhook_headers: does nothing without webhook_url",
          "b.yaml:8:1: warning: version: is for submit-job alone; a record in Consul must not have it"
        ]
      )
    })
  )

  it.scoped("ends well where there are warnings alone", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ "a.yaml": `${good}test_entry_point: true\n` })
      const { err, exitCode } = yield* run({ files: [join(folder, "a.yaml")] })
      assert.deepStrictEqual([exitCode, err], [0, "1 file, 0 errors, 1 warning\n"])
    })
  )

  it.scoped("goes through folders, past hidden files, other files and links to nowhere", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({
        "b.yml": "",
        "a.yaml": good,
        "sub/deep/c.JSON": "{}",
        "sub/README.md": "x",
        ".git/d.yaml": "x",
        ".hidden.yaml": "x",
        "empty/note.txt": ""
      })
      yield* Effect.promise(() => symlink(join(folder, "a.yaml"), join(folder, "z.yaml")))
      const { out } = yield* run({
        files: [folder, join(folder, "a.yaml"), join(folder, "empty"), join(folder, "no.yaml")],
        output: "json"
      })
      const { files } = JSON.parse(out)
      assert.deepStrictEqual(
        files.map((entry: { readonly file: string; readonly valid: boolean }) => [
          entry.file.slice(folder.length + 1),
          entry.valid
        ]),
        [
          ["a.yaml", true],
          ["b.yml", false],
          ["sub/deep/c.JSON", false],
          ["z.yaml", true],
          ["empty", false],
          ["no.yaml", false]
        ]
      )
      assert.strictEqual(files[4].errors[0].message, "no .yaml, .yml or .json file is in this folder or below")
      assert.match(files[5].errors[0].message, /^there is no such file .* link to nowhere$/)
    })
  )

  it.scoped("writes JSON for programs", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({ "a.json": '{"owner": 1}', "big.yaml": `# ${"x".repeat(3_000_000)}` })
      const ended = yield* run({ files: [join(folder, "a.json"), join(folder, "big.yaml")], output: "json" })
      assert.deepStrictEqual(JSON.parse(ended.out), {
        files: [
          {
            file: join(folder, "a.json"),
            valid: false,
            errors: [
              { line: 1, column: 1, path: "repo_url", message: "repo_url is required" },
              { line: 1, column: 1, path: "image_name", message: "image_name is required" },
              { line: 1, column: 1, path: "registry_url", message: "registry_url is required" },
              { line: 1, column: 11, path: "owner", message: "owner must be a string; put the value in quotes" }
            ],
            warnings: []
          },
          {
            file: join(folder, "big.yaml"),
            valid: false,
            errors: [{ line: 1, column: 1, path: "", message: "the record is larger than 512 KiB" }],
            warnings: []
          }
        ]
      })
      assert.deepStrictEqual([ended.exitCode, ended.message], [2, "2 files, 5 errors"])
    })
  )

  it.effect("reads stdin", () =>
    Effect.gen(function* () {
      const wrong = yield* run({ files: ["-"] }, "owner: x\nimage_tags: v1\n")
      assert.match(wrong.out, /^<stdin>:1:1: repo_url: is required\n/)
      assert.strictEqual((yield* run({ files: ["-"] }, good)).err, "1 file, 0 errors\n")
      assert.strictEqual((yield* run({ files: ["-", "-"] }, good)).err, "1 file, 0 errors\n")
      const nobody = yield* run({ files: ["-"] })
      assert.deepStrictEqual([nobody.exitCode, nobody.out], [2, ""])
      assert.match(nobody.message ?? "", /^nothing is on stdin/)
    })
  )

  it.scoped("judges a file with the global one below it, and points into whichever says it", () =>
    Effect.gen(function* () {
      const global =
        "owner: platform\nregistry_url: REGISTRY\ntest:\n  env: {A: 1, B: 2}\ntest_timeout: soon\nverson: 1\n"
      const own = "repo_url: https://x.io/a\nimage_name: shop\ntest:\n  env:\n    A: one\n  commands: [x]\n"
      const expected = [
        "global.yaml:2:15: registry_url: must be host[:port][/namespace] in lower case, without https://, of at most 160 characters; the host has a dot or a port or is localhost",
        "global.yaml:4:18: test.env.B: must be a string; put the value in quotes",
        "global.yaml:5:15: test.timeout: must be a duration above 0 and at most 168h, such as 30m or 1h30m, or a whole number of nanoseconds",
        "global.yaml:6:1: verson: is not a known field; did you mean version?",
        "global.yaml:5:1: warning: test_timeout: is the earlier name of test.timeout"
      ]
      const lines = yield* findings({ "own.yaml": own, "again.yaml": own, "global.yaml": global }, "global.yaml")
      assert.deepStrictEqual(
        lines.map((line) => line.replace("; did you mean version?", "")),
        expected.map((line) => line.replace("; did you mean version?", ""))
      )

      const folder = yield* folderOf({ "own.yaml": own, "global.yaml": "owner: platform\n" })
      const files = [join(folder, "own.yaml")]
      const shown = yield* run({ files, global: join(folder, "global.yaml"), output: "json" })
      assert.deepStrictEqual(JSON.parse(shown.out).files[0].errors, [
        { line: 1, column: 1, path: "registry_url", message: "registry_url is required" }
      ])
      const absent = yield* run({ files, global: join(folder, "no.yaml") })
      assert.strictEqual(absent.exitCode, 2)
      assert.include(absent.message, "no such file")
    })
  )

  it.scoped("takes back with an empty value what the global file says, and takes an empty global file", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* findings(
          { "own.yaml": `${good}webhook_url: ""\n`, "global.yaml": "webhook_url: nonsense\n" },
          "global.yaml"
        ),
        []
      )
      assert.deepStrictEqual(yield* findings({ "own.yaml": good, "global.yaml": "# nothing yet\n" }, "global.yaml"), [])
      assert.deepStrictEqual(yield* findings({ "own.yaml": good, "global.yaml": "" }, "global.yaml"), [])
      assert.deepStrictEqual(yield* findings({ "own.yaml": good, "global.yaml": "a: [" }, "global.yaml"), [
        "global.yaml:1:5: cannot be read as JSON or YAML: unexpected end of the stream within a flow collection"
      ])
      assert.deepStrictEqual(yield* findings({ "own.yaml": `${good}version: 3\n` }), [
        "own.yaml:5:10: version: must be true or false: whether the image gets the next version as a tag; its number stands in version.yaml"
      ])
    })
  )
})

const base = {
  owner: "platform",
  repo_url: "https://git.example.com/shop.git",
  image_name: "shop",
  registry_url: "registry.example.com:5000"
}
