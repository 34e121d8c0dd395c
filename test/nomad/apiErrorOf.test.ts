import { assert, describe, it } from "@effect/vitest"
import { apiErrorOf } from "../../src/nomad/apiErrorOf.ts"
import { bodyOf, fixture } from "./fixtures.ts"

const recorded: ReadonlyArray<readonly [name: string, kind: string]> = [
  ["register-enforce-conflict-running", "Conflict"],
  ["register-enforce-conflict-dead", "Conflict"],
  ["register-enforce-wrong-index", "Conflict"],
  ["register-enforce-missing-nonzero", "Conflict"],
  ["register-invalid-no-groups", "Invalid"],
  ["register-invalid-many", "Invalid"],
  ["register-invalid-json", "Invalid"],
  ["register-invalid-no-job", "Invalid"],
  ["register-invalid-no-id", "Invalid"],
  ["register-invalid-field-type", "Invalid"],
  ["register-unknown-region", "Invalid"],
  ["register-unknown-namespace", "Invalid"],
  ["register-url-mismatch", "Invalid"],
  ["register-wrong-method", "Invalid"],
  ["error-400-bad-index", "Invalid"],
  ["error-405-method", "Invalid"],
  ["error-500-bad-alloc-id", "Invalid"],
  ["error-500-prefix-odd", "Invalid"],
  ["logs-short-alloc", "Invalid"],
  ["logs-unknown-task", "Invalid"],
  ["error-404-job", "NotFound"],
  ["error-404-allocation", "NotFound"],
  ["error-404-evaluation", "NotFound"],
  ["error-404-path", "NotFound"],
  ["allocation-read-after-gc", "NotFound"],
  ["logs-unknown-alloc", "NotFound"],
  ["logs-after-gc", "NotFound"],
  ["logs-after-client-gc", "NotFound"],
  ["logs-framed-after-client-gc", "NotFound"],
  ["logs-node-down", "Unavailable"],
  ["logs-not-started", "Unavailable"],
  ["error-500-no-leader-read", "Unavailable"],
  ["error-500-no-leader-register", "Unavailable"],
  ["no-leader-status", "Unavailable"],
  ["no-leader-health", "Unavailable"],
  ["acl-403-no-token-register", "Denied"],
  ["acl-403-no-token-read", "Denied"],
  ["acl-403-no-token-events", "Denied"],
  ["acl-403-bad-token", "Denied"],
  ["acl-403-malformed-token", "Denied"],
  ["acl-403-host-volume", "Denied"],
  ["acl-403-gc", "Denied"]
]

describe("a refusal of Nomad's", () => {
  for (const [name, kind] of recorded) {
    it(`counts as ${kind}: ${name}`, () => {
      const answer = fixture(name)
      assert.strictEqual(apiErrorOf("test", answer.response.status, bodyOf(answer))._tag, kind)
    })
  }

  it("is told by its status where its text is unknown", () => {
    const kinds = [401, 403, 404, 409, 408, 429, 400, 413, 500, 502, 503].map(
      (status) => apiErrorOf("x", status, "")._tag
    )
    assert.deepStrictEqual(kinds, [
      "Denied",
      "Denied",
      "NotFound",
      "Conflict",
      "Unavailable",
      "Unavailable",
      "Invalid",
      "Invalid",
      "Unavailable",
      "Unavailable",
      "Unavailable"
    ])
  })

  it("is Invalid for a single fault that has no list around it", () => {
    for (const text of [
      'Vault "default" not enabled but used in the job',
      "non-default Vault cluster requires Nomad Enterprise",
      'job "x" is in nonexistent node pool "gpu"',
      'cannot update job from type "service" to "batch"',
      "task.consul.partition must match group.consul.partition if both are set"
    ]) {
      assert.strictEqual(apiErrorOf("x", 500, text)._tag, "Invalid", text)
    }
  })

  it("is Unavailable for what passes by itself", () => {
    for (const text of [
      "rpc error: failed to get conn: dial tcp 10.0.0.1:4647: connect: connection refused",
      "leadership lost while committing log",
      "raft: timed out enqueuing operation",
      "context deadline exceeded",
      "unexpected EOF",
      "write: broken pipe",
      "Not ready to serve consistent reads"
    ]) {
      assert.strictEqual(apiErrorOf("x", 500, text)._tag, "Unavailable", text)
    }
  })

  it("isn't mistaken for an outage by what a user's job is called", () => {
    const text = '1 error occurred:\n\t* Task "No cluster leader rpc error" validation failed\n\n'
    assert.strictEqual(apiErrorOf("x", 500, text)._tag, "Invalid")
  })

  it("keeps Nomad's words on one line and within bounds", () => {
    const error = apiErrorOf("job.register x", 500, fixture("register-invalid-many").response.text ?? "")
    assert.include(
      error.message,
      "nomad job.register x: refused: 4 errors occurred: * Job ID contains a space * Invalid"
    )
    assert.notInclude(error.message, "\n")
    assert.isBelow(apiErrorOf("x", 500, "long ".repeat(10_000)).detail.length, 1001)
    assert.strictEqual(apiErrorOf("x", 502, "").detail, "HTTP 502")
  })
})
