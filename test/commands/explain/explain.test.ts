import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import { explain, type ExplainOptions } from "../../../src/commands/explain/explain.ts"
import { recordFieldPaths } from "../../../src/commands/explain/recordFieldPaths.ts"
import { Io } from "../../../src/commands/Io.ts"
import { jobJsonSchema, recordJsonSchema } from "../../../src/domain/jsonSchema.ts"
import { recordedIo } from "../support/recordedIo.ts"

const explained = (options: ExplainOptions, given: Parameters<typeof recordedIo>[0] = {}) =>
  Effect.gen(function* () {
    const recorded = recordedIo(given)
    const ended = yield* Effect.either(Effect.provideService(explain(options), Io, recorded.io))
    assert.strictEqual(recorded.err(), "")
    return Either.match(ended, {
      onLeft: ({ exitCode, message }) => `${exitCode}: ${message}`,
      onRight: () => recorded.out()
    })
  })

describe("explain", () => {
  it.effect("says what a field means, takes, and is when it is left out", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* explained({ field: "git_ref" }),
        `FIELD:    git_ref <string>
DEFAULT:  main
EXAMPLE:  v1.4.2
EXAMPLE:  refs/heads/release-2

DESCRIPTION:
  Branch, tag, commit SHA or full refs/… name; main when left out.
`
      )
      assert.strictEqual(
        yield* explained({ field: "on_conflict" }),
        `FIELD:    on_conflict <string>
DEFAULT:  queue
VALUES:   queue, supersede, reject

DESCRIPTION:
  When another run holds the image and ref, or the tag: wait (queue, the
  default), end it (supersede), or fail (reject).
`
      )
    })
  )

  it.effect("lists what is in a field, two levels down too", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* explained({ field: "test.vault_secrets" }),
        `FIELD:    test.vault_secrets <list of object>
DEFAULT:  []
EXAMPLE:  [{path: secret/data/shop/db, fields: {password: DB_PASSWORD}}]

DESCRIPTION:
  Secrets that the test containers get as environment variables. At most 32
  entries.

FIELDS:
  path <string> -required-
    Vault path of the secret, in the form of the KV v2 API: secret/data/…

  fields <map of string> -required-
    From the secret's field to the environment variable that gets its value.
`
      )
      const all = yield* explained({})
      assert.match(all, /^RECORD: {3}BuildJob <object>\n\nDESCRIPTION:\n {2}What image/)
      for (const path of recordFieldPaths.filter((name) => !name.includes("."))) {
        assert.match(all, new RegExp(`\\n  ${path} <[a-z ]+>(?: -required-)?\\n    \\S`))
      }
    })
  )

  it.effect("takes paths as errors name them", () =>
    Effect.gen(function* () {
      const expected = yield* explained({ field: "test.vault_secrets.path" })
      for (const field of [
        "test.vault_secrets[0].path",
        "test.vault_secrets[].path",
        "job_config.test.vault_secrets.path"
      ]) {
        assert.strictEqual(yield* explained({ field }), expected)
      }
      assert.strictEqual(yield* explained({ field: "test.env.NODE_ENV" }), yield* explained({ field: "test.env" }))
      assert.match(yield* explained({ field: "test.env" }), /Each name is a\s+variable name/)
      assert.match(yield* explained({ field: "test_timeout" }), /Earlier name of test.timeout/)
    })
  )

  it.effect("suggests what was meant", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* explained({ field: "test.comands" }),
        '2: there is no field "test.comands"; did you mean test.commands?'
      )
      assert.strictEqual(yield* explained({ field: "Owner" }), '2: there is no field "Owner"; did you mean owner?')
      assert.strictEqual(
        yield* explained({ field: "vault_secrets" }),
        '2: there is no field "vault_secrets"; did you mean test.vault_secrets?'
      )
      for (const field of ["nonsense", "owner.name", "", "test.", "constructor", "test.constraints.[0"]) {
        assert.match(yield* explained({ field, output: "json" }), /^2: there is no field "/)
      }
    })
  )

  it.effect("shows the tree of all fields below", () =>
    Effect.gen(function* () {
      const tree = yield* explained({ recursive: true })
      const names = tree.split("FIELDS:\n")[1]?.split("\n").slice(0, -1) ?? []
      assert.lengthOf(names, recordFieldPaths.length)
      assert.includeMembers(names, [
        "  owner <string> -required-",
        "    vault_secrets <list of object>",
        "      path <string> -required-"
      ])
      assert.include(
        yield* explained({ field: "resource_limits", recursive: true }),
        "\n  build <object>\n    cpu <string or integer>\n"
      )
    })
  )

  it.effect("keeps to the terminal's width, or to COLUMNS", () =>
    Effect.gen(function* () {
      const longest = (text: string) =>
        Math.max(
          ...text
            .split("\n")
            .filter((line) => line.includes(" ", 4) && !line.includes("<"))
            .map((line) => line.length)
        )
      const screen = (columns: number) =>
        Option.some({ size: Effect.succeed({ columns, rows: 24 }), resized: Effect.never, colour: false })
      assert.isAtMost(longest(yield* explained({}, { screen: screen(45) })), 45)
      assert.isAtMost(longest(yield* explained({}, { screen: screen(5) })), 30)
      const wide = longest(yield* explained({}, { screen: screen(300) }))
      assert.isTrue(wide > 80 && wide <= 110)
      assert.isAtMost(longest(yield* explained({}, { environment: { COLUMNS: "50" } })), 50)
      assert.isAtMost(longest(yield* explained({}, { environment: { COLUMNS: "wide" } })), 80)
    })
  )

  it.effect("has a description and a type of every field", () =>
    Effect.gen(function* () {
      assert.isAbove(recordFieldPaths.length, 50)
      for (const field of recordFieldPaths) {
        const text = yield* explained({ field })
        assert.match(text, /^FIELD: {4}\S+ <[a-z ]+>/, field)
        assert.match(text, /\nDESCRIPTION:\n {2}\S.{9}/, field)
        assert.match(text, /DEFAULT:|when\s+left\s+out|-required-/, field)
      }
    })
  )

  it.effect("prints the JSON Schema of the part", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        JSON.parse(yield* explained({ output: "json" })),
        JSON.parse(JSON.stringify(recordJsonSchema))
      )
      const part = JSON.parse(yield* explained({ field: "test.vault_secrets[0].path", output: "json" }))
      assert.strictEqual(part.$schema, jobJsonSchema.$schema)
      assert.deepStrictEqual([part.title, part.type, part.maxLength], ["test.vault_secrets.path", "string", 512])
    })
  )
})
