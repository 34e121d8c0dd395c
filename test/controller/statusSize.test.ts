import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { maxTransactionBytes, transactionSize, TxnOp } from "../../src/consul/Transaction.ts"
import { ChildState } from "../../src/domain/ChildState.ts"
import { Status } from "../../src/domain/Status.ts"
import { maxRecordBytes } from "../../src/store/RecordTable.ts"
import { archived, placed, policy, valid, World } from "../support/world.ts"

/** As `collect` bounds it: two streams of 600 bytes. */
const tail = Array.from({ length: 24 }, (_, at) => `[main/stdout] ${"x".repeat(33)} ${at}`)

describe("the largest status that a record can lead to", () => {
  it("fits a transaction with everything that is written with it", () => {
    const commands = Array.from({ length: 64 }, (_, at) => `${at} ${"x".repeat(950)}`)
    const fields = {
      image_name: "a".repeat(80),
      image_tags: Array.from({ length: 16 }, (_, at) => `${"t".repeat(120)}${at}`),
      test: { commands }
    }
    assert.isBelow(JSON.stringify(fields).length, maxRecordBytes)
    const world = new World()
    world.policy = { ...policy, maxAttempts: 5 }
    world.record = valid(fields)
    world.settle()
    world.succeed(world.child("build"))
    world.settle()
    for (let attempt = 1; attempt <= 5; attempt++) {
      for (const { nomad_job_id: id } of world.open()) {
        const ends = { ...placed(`${id}-a-long-node-name-in-a-long-domain`), finishedAt: world.now }
        if (attempt < 5) {
          world.children.set(id, ChildState.NeverStarted({ ...ends, reason: "driver", message: "m".repeat(4000) }))
        } else {
          world.fail(id, 1, { report: { ...archived, tail, failure: Option.none() } })
        }
      }
      world.settle()
      world.now += 3_600_000
      world.settle()
    }
    assert.strictEqual(world.status?.status, "FAILED")
    assert.isAbove(world.status?.attempts.length ?? 0, 320)
    const value = Schema.encodeSync(Schema.parseJson(Status))(world.status ?? assert.fail("no status"))
    const size = transactionSize([
      TxnOp.CheckSession({ key: "jobforge-service/leader", session: "x".repeat(36) }),
      TxnOp.CheckIndex({ key: `jobforge-service/jobs/${"n".repeat(200)}`, index: 1 }),
      TxnOp.Cas({ key: `jobforge-service/status/${"n".repeat(200)}`, value, index: 1 }),
      ...Array.from({ length: 17 + 20 }, () => TxnOp.Delete({ key: `jobforge-service/slots/${"s".repeat(40)}` }))
    ])
    assert.isBelow(size, maxTransactionBytes)
  })
})
