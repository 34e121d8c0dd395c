import { assert, describe, it } from "@effect/vitest"
import { locate, locator, type Part } from "../../../src/commands/validate/locate.ts"

/** The text from where the path is found to the end of its line, and whether the path itself is there. */
const found = (text: string, path: string, part?: Part): string => {
  const { column, exact, line } = locate(text, path, part)
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/)
  const rest = lines[line - 1]?.slice(column - 1)
  return exact ? `${rest}` : `nearest: ${rest}`
}

const nested = `owner: platform
test:
  commands:
    - npm test
    - |
      set -e
      echo "two: 2"

    - >-   # folded > once
      npm run
      lint
  vault_secrets:
  - path: secret/data/db
    fields: {user: DB_USER, "pass word": 'DB_PASSWORD'}
  -
    fields:
      k: V
  constraints: [ {attribute: a, value: [x, {y: z}]}, "last" ]
  env: {}
  timeout:
deploy_dir: ""
`

describe("locate", () => {
  it.each([
    ["owner", "platform"],
    ["test", "commands:"],
    ["test.commands", "- npm test"],
    ["test.commands[0]", "npm test"],
    ["test.commands[1]", "|"],
    ["test.commands[2]", ">-   # folded > once"],
    ["test.vault_secrets[0]", "path: secret/data/db"],
    ["test.vault_secrets[0].path", "secret/data/db"],
    ["test.vault_secrets[0].fields", `{user: DB_USER, "pass word": 'DB_PASSWORD'}`],
    ["test.vault_secrets[0].fields.user", `DB_USER, "pass word": 'DB_PASSWORD'}`],
    [`test.vault_secrets[0].fields["pass word"]`, "'DB_PASSWORD'}"],
    ["test.vault_secrets[1].fields.k", "V"],
    ["test.constraints[0].value[1].y", `z}]}, "last" ]`],
    ["test.constraints[1]", `"last" ]`],
    ["test.env", "{}"],
    ["test.timeout", "timeout:"],
    ["deploy_dir", `""`],
    ["", "owner: platform"]
  ])("finds %s in nested lists, flow style and texts of several lines", (path, expected) => {
    assert.strictEqual(found(nested, path), expected)
  })

  it.each([
    ["owner", "owner: platform"],
    ["test.commands", "commands:"],
    ["test.commands[0]", "npm test"],
    ["test.timeout", "timeout:"],
    [`test.vault_secrets[0].fields["pass word"]`, `"pass word": 'DB_PASSWORD'}`]
  ])("finds the key of %s", (path, expected) => {
    assert.strictEqual(found(nested, path, "key"), expected)
  })

  it.each([
    ["image_name", "nearest: owner: platform"],
    ["test.vault_policies", "nearest: commands:"],
    ["test.vault_secrets[1].path", "nearest: fields:"],
    ["test.vault_secrets[0].fields.other", `nearest: {user: DB_USER, "pass word": 'DB_PASSWORD'}`],
    ["test.commands[9]", "nearest: - npm test"],
    ["test.env.A", "nearest: {}"],
    ["owner.name.first", "nearest: platform"],
    ["testing", "nearest: owner: platform"]
  ])("takes the nearest parent for %s, which isn't there", (path, expected) => {
    assert.strictEqual(found(nested, path), expected)
  })

  it.each([
    ["owner", '"a"'],
    ["test.env.K", '"v"'],
    ["test.commands[1]", '"y"']
  ])("finds %s in JSON with tabs", (path, expected) => {
    const text = JSON.stringify({ owner: "a", test: { env: { K: "v" }, commands: ["x", "y"] } }, null, "\t")
    assert.strictEqual(found(text, path).replace(/,$/, ""), expected)
    assert.strictEqual(locate(text, "test.env.K").column, 9)
    assert.strictEqual(locate(JSON.stringify(JSON.parse(text)), "test.env.K").line, 1)
  })

  it.each(["\n", "\r\n", "\r"])("counts lines that end in %j, after a byte order mark too", (end) => {
    const text = ["# über 😀", "owner: 'é😀'", "test:", "  env: {😀: x, K: 😀}", "  commands: [😀, y]", ""].join(end)
    for (const whole of [text, `\ufeff${text}`]) {
      assert.deepStrictEqual(locate(whole, "owner"), { line: 2, column: 8, exact: true })
      assert.strictEqual(found(whole, "test.env.K"), "😀}")
      // An emoji is two units, as in editors.
      assert.deepStrictEqual(locate(whole, "test.commands[1]"), { line: 5, column: 18, exact: true })
      assert.strictEqual(found(whole, `test.env["😀"]`, "key"), "😀: x, K: 😀}")
    }
    assert.deepStrictEqual(locate("\ufeffowner: a", "owner", "key"), { line: 1, column: 1, exact: true })
  })

  const anchored = `
base: &base
  env: &env {A: 1}
  timeout: &t !!str 5m
more: &more {timeout: 6m, gpu_count: 1}
test:
  gpu_required: true
  <<: [*base, *more]
  env:
    B: 2
    <<: *env
  entry_point: *t
other: {<<: *more, timeout: 7m}
`

  it.each([
    ["test.timeout", "5m"],
    ["test.gpu_count", "1}"],
    ["test.env", "B: 2"],
    ["test.env.A", "1}"],
    ["test.entry_point", "*t"],
    ["test.entry_point.x", "nearest: *t"],
    ["test.gpu_required", "true"],
    ["other.timeout", "7m}"],
    ["other.gpu_count", "1}"]
  ])("finds %s through anchors, merge keys and tags", (path, expected) => {
    assert.strictEqual(found(anchored, path), expected)
  })

  it.each(["job_config", "jobConfig"])("sees through the wrapper %s", (wrapper) => {
    const text = `state: active\n${wrapper}:\n  owner: a\n  test: {}\nlabels: {k: v}\n`
    assert.strictEqual(found(text, "owner"), "a")
    assert.strictEqual(found(text, "labels.k"), "v}")
    assert.strictEqual(found(text, "state", "key"), "state: active")
    assert.strictEqual(found(text, "repo_url"), "nearest: owner: a")
    assert.strictEqual(found(text, "test.env"), "nearest: {}")
    assert.strictEqual(found(text, wrapper, "key"), `${wrapper}:`)
    assert.strictEqual(found(`${wrapper}: 1\nowner: a`, "owner"), "a")
  })

  it("finds what a fault calls by its name of today", () => {
    const text = "owner: a\ntest_commands:\n  - ''\ntest_timeout: soon\njob: {}\n"
    assert.strictEqual(found(text, "test.commands[0]"), "''")
    assert.strictEqual(found(text, "test.timeout"), "soon")
    assert.strictEqual(found(text, "test_timeout"), "soon")
    assert.strictEqual(found(`test:\n  env: {}\n${text}`, "test.commands"), "- ''")
    assert.strictEqual(found(`test:\n  timeout: 1m\n${text}`, "test.timeout"), "1m")
    assert.strictEqual(found(`job_config:\n  test_commands: [x]\n`, "test.commands[0]"), "x]")
  })

  it("finds a long key as paths show it", () => {
    const key = "k".repeat(100)
    assert.strictEqual(found(`owner: a\n${key}: 1`, `["${"k".repeat(64)}…"]`, "key"), `${key}: 1`)
  })

  it("is at the start of what can't be read, is empty or is no object", () => {
    for (const text of ["", "# nothing\n", "a: [", "\u0000", "[".repeat(1000)]) {
      assert.deepStrictEqual(locate(text, "owner"), { line: 1, column: 1, exact: false })
    }
    assert.deepStrictEqual(locate("\n  just text", "owner"), { line: 2, column: 3, exact: false })
    assert.deepStrictEqual(locate("---\n- a\n- b: 1\n  c: 2", "[1].c"), { line: 4, column: 6, exact: true })
    assert.deepStrictEqual(locate("? [a, b]\n: 1\nowner: x", "owner"), { line: 3, column: 8, exact: true })
    assert.deepStrictEqual(locate("a: &x\nb: !!null\nc: *nobody", "b"), { line: 2, column: 4, exact: true })
    assert.deepStrictEqual(locate("a: &x\nb: 1", "a"), { line: 1, column: 4, exact: true })
    assert.deepStrictEqual(locate("c: *nobody\n", "c.d"), { line: 1, column: 4, exact: false })
    assert.deepStrictEqual(locate("a:\n  -\n  - 1\n", "a[0]"), { line: 2, column: 3, exact: true })
  })

  it("answers at once for merges of merges", () => {
    const levels = Array.from(
      { length: 40 },
      (_, level) => `l${level + 1}: &l${level + 1} {<<: [*l${level}, *l${level}]}`
    )
    const placeOf = locator(["l0: &l0 {k: v}", ...levels].join("\n"))
    assert.deepStrictEqual(placeOf("l40.k"), { line: 1, column: 13, exact: true })
    assert.strictEqual(placeOf("l40.x").line, 41)
  })
})
