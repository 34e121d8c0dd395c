import { assert, describe, it } from "@effect/vitest"
import { fromGoFlags } from "../../src/commands/goFlags.ts"

const table = { switches: new Set(["watch", "history"]), valued: new Set(["--global", "--image-tags", "--url", "-u"]) }
const read = (line: string) => fromGoFlags(line.split(" "), table).join(" ")

describe("flags as Go's flag package takes them", () => {
  it.each([
    ["submit-job -global g.yaml b.yaml", "submit-job --global g.yaml b.yaml"],
    ["submit-job b.yaml -image-tags=a,b -watch", "submit-job b.yaml --image-tags=a,b --watch"],
    ["submit-job --watch=false b.yaml -history=true", "submit-job b.yaml --history"],
    ["submit-job -watch=0 --history=T b.yaml", "submit-job --history b.yaml"],
    ["-u http://a -url=http://b get-status x", "-u http://a --url=http://b get-status x"]
  ])("%s is read as %s", (given, expected) => {
    assert.strictEqual(read(given), expected)
  })

  it("leaves what it doesn't know for the parser to refuse", () => {
    for (const line of ["submit-job -histroy b.yaml", "submit-job --watch=maybe", "logs -f x", "get-history -5"]) {
      assert.strictEqual(read(line), line)
    }
  })

  it("never touches a value, nor what stands behind --", () => {
    assert.strictEqual(read("submit-job --image-tags -watch b.yaml"), "submit-job --image-tags -watch b.yaml")
    assert.strictEqual(read("submit-job -- -global"), "submit-job -- -global")
  })
})
