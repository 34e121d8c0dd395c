import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import { maxTransactionBytes, transactionSize, TxnOp } from "../../src/consul/Transaction.ts"
import { ChildState } from "../../src/domain/ChildState.ts"
import { Status } from "../../src/domain/Status.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { maxRecordBytes } from "../../src/store/RecordTable.ts"
import { deliveriesOf } from "../../src/webhooks/deliveriesOf.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { archived, placed, policy, valid, World } from "../support/world.ts"

/** As `collect` bounds it: two streams of 600 bytes. */
const tail = Array.from({ length: 24 }, (_, at) => `[main/stdout] ${"x".repeat(33)} ${at}`)

const keys = keysBelow("jobforge-service")

describe("the largest status that a record can lead to", () => {
  it.live("fits a transaction with everything that is written with it", () =>
    Effect.gen(function* () {
      const commands = Array.from({ length: 64 }, (_, at) => `${at} ${"x".repeat(950)}`)
      const fields = {
        image_name: "a".repeat(80),
        image_tags: Array.from({ length: 16 }, (_, at) => `${"t".repeat(120)}${at}`),
        test: { commands },
        webhook_url: `https://hooks.example.com/${"x".repeat(2000)}`
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
      const status = world.status ?? assert.fail("no status")
      const value = Schema.encodeSync(Schema.parseJson(Status))(status)
      // All that a run can ever tell, at once, each as short as can be.
      const deliveries = yield* deliveriesOf(keys, {
        after: status,
        before: Option.none(),
        ended: Option.none(),
        confidential: Option.none()
      })
      assert.lengthOf(deliveries, 5)
      const size = transactionSize([
        TxnOp.CheckSession({ key: "jobforge-service/leader", session: "x".repeat(36) }),
        TxnOp.CheckIndex({ key: `jobforge-service/jobs/${"n".repeat(200)}`, index: 1 }),
        TxnOp.Cas({ key: `jobforge-service/status/${"n".repeat(200)}`, value, index: 1 }),
        ...deliveries.map(({ forms, id }) =>
          TxnOp.Set({ key: keys.delivery("n".repeat(200), id), value: forms.at(-1) ?? forms[0] })
        ),
        ...Array.from({ length: 17 + 20 }, () => TxnOp.Delete({ key: `jobforge-service/slots/${"s".repeat(40)}` }))
      ])
      assert.isBelow(size, maxTransactionBytes)
    }).pipe(Effect.provide(Layer.provideMerge(LogArchive.layer(keys), embeddedConsul)))
  )
})
