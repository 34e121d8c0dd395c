import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { decodeAuthTokens } from "../../src/server/AuthToken.ts"

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

const ann = { name: "ann", sha256: sha256("a"), role: "submit", owners: ["team-a"] }

const faultOf = (...entries: ReadonlyArray<unknown>) =>
  Either.match(decodeAuthTokens(JSON.stringify(entries)), { onLeft: (fault) => fault, onRight: () => "accepted" })

describe("decodeAuthTokens", () => {
  it("reads who may do what for whom", () => {
    const admin = { name: "ops", sha256: sha256("o").toUpperCase(), role: "admin" }
    const tokens = Either.getOrThrow(
      decodeAuthTokens(
        JSON.stringify([ann, admin, { ...ann, name: "b", sha256: sha256("b"), owners: "all", role: "read" }])
      )
    )
    assert.deepStrictEqual(
      tokens.map(({ caller }) => caller),
      [
        { name: "ann", role: "submit", owners: new Set(["team-a"]) },
        { name: "ops", role: "admin", owners: "all" },
        { name: "b", role: "read", owners: "all" }
      ]
    )
    assert.deepStrictEqual(Buffer.from(tokens[1]?.sha256 ?? []).toString("hex"), sha256("o"))
    assert.deepStrictEqual(decodeAuthTokens("  "), Either.right([]))
  })

  it.each([
    [
      [{ ...ann, sha256: "secret" }],
      "[0].sha256 must be the 64 hexadecimal digits that `printf %s TOKEN | sha256sum` prints"
    ],
    [[ann, { ...ann, name: "bob", sha256: undefined }], "[1].sha256 is missing"],
    [[{ ...ann, role: "root" }], "[0].role must be read, submit or admin"],
    [[{ ...ann, owners: undefined }], "[0].owners is missing: name those whose jobs submit is for, or all"],
    [[{ ...ann, owners: "team-a" }], "[0].owners must be a list of owners, or all"],
    [[{ ...ann, owners: [] }], "[0].owners must be a list of owners, or all"],
    [[{ ...ann, role: "admin" }], "[0].owners can't narrow what admin may do: leave it out, or give the role submit"],
    [[{ ...ann, owner: "all", owners: undefined }], "[0].owner is unknown; did you mean owners?"],
    [[{ ...ann, name: "two\nlines" }], "[0].name must be 1 to 64 printable characters"],
    [["ann"], "[0] must be an object with name, sha256, role and owners"],
    [[ann, { ...ann, sha256: sha256("b") }], "the name ann is there twice"],
    [[ann, { ...ann, name: "bob" }], "the same sha256 is there twice"]
  ])("refuses %j with the mend", (entries, fault) => {
    assert.strictEqual(faultOf(...entries), fault)
  })

  it("names all entries that are wrong, and repeats no value of them", () => {
    const fault = faultOf({ ...ann, sha256: "hunter2-hunter2" }, { ...ann, name: "b", role: "hunter2" })
    assert.include(fault, "[0].sha256")
    assert.include(fault, "[1].role")
    assert.notInclude(fault, "hunter2")
    for (const text of ["hunter2", '{"hunter2": 1}']) assert.notInclude(Either.merge(decodeAuthTokens(text)), "hunter2")
  })
})
