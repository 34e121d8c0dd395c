import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { BuildResult, PublishResult, StepFailure } from "../../src/jobspec/StepResult.ts"

const digest = `sha256:${"a".repeat(64)}`
const commit = "c".repeat(40)

describe("what a step reports", () => {
  it("is read as its script writes it", () => {
    assert.deepStrictEqual(
      Schema.decodeSync(BuildResult)(`{"digest":"${digest}","commit":"${commit}","images":["r/a:1"]}`),
      { digest, commit, images: ["r/a:1"] }
    )
    assert.deepStrictEqual(Schema.decodeSync(PublishResult)(`{"digest":"${digest}","images":["r/a:1"]}`), {
      digest,
      images: ["r/a:1"]
    })
    assert.deepStrictEqual(Schema.decodeSync(StepFailure)('{"reason":"BuildFailed","exitCode":7,"message":"no"}'), {
      reason: "BuildFailed",
      exitCode: 7,
      message: "no"
    })
  })

  it.each([
    "",
    "{}",
    `{"digest":"latest","commit":"${commit}","images":["r/a:1"]}`,
    `{"digest":"${digest}","images":[]}`
  ])("is nothing when it proves nothing: %s", (text) => {
    assert.isTrue(Option.isNone(Schema.decodeUnknownOption(BuildResult)(text)))
    assert.isTrue(Option.isNone(Schema.decodeUnknownOption(PublishResult)(text)))
  })
})
