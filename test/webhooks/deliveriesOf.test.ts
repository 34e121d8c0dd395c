import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import type { TxnOp } from "../../src/consul/Transaction.ts"
import type { Status } from "../../src/domain/Status.ts"
import { boundLog } from "../../src/store/BoundedLog.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { decodeDelivery, maxDeliveryBytes } from "../../src/webhooks/Delivery.ts"
import { deliveriesOf } from "../../src/webhooks/deliveriesOf.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { archived, reported, tested, valid, World } from "../support/world.ts"

const keys = keysBelow("jobforge-service")
const url = "https://hooks.example.com/x"

const stores = Layer.provideMerge(Layer.merge(LogArchive.layer(keys), Statuses.layer(keys)), embeddedConsul)

/** A run that has succeeded, each of whose steps wrote something. */
const succeeded = (fields: object = {}): Status => {
  const world = new World()
  world.record = valid({ ...tested, webhook_url: url, ...fields })
  world.settle()
  for (let rounds = 0; rounds < 5 && world.open().length > 0; rounds++) {
    for (const { nomad_job_id: id, phase } of world.open()) {
      world.succeed(id, phase === "test" || phase === "cleanup" ? archived : reported)
    }
    world.settle()
  }
  return world.status ?? assert.fail("no status")
}

const told = (after: Status, before: Option.Option<Status> = Option.none()) =>
  deliveriesOf(keys, { after, before, ended: Option.none(), confidential: Option.none() })

const read = (value: Uint8Array | undefined) => {
  const { body, envelope } = Option.getOrThrow(decodeDelivery(value ?? new Uint8Array()))
  return { body: JSON.parse(new TextDecoder().decode(body)), envelope, bytes: value?.length ?? 0 }
}

const writeLogs = Effect.fnUntraced(function* (status: Status, line: string, lines: number) {
  const logs = yield* LogArchive
  for (const { nomad_job_id: id } of status.attempts) {
    const text = Array.from({ length: lines }, (_, at) => `${line} ${at}`).join("\n")
    yield* logs.write(status.name, id, "stdout", boundLog(new TextEncoder().encode(`${text}\n${id} ends\n`)))
  }
})

describe("the deliveries of a transition", () => {
  it.live("are what the status tells beyond the one before, each in a key of its own, in order", () =>
    Effect.gen(function* () {
      const status = succeeded()
      const all = yield* told(status)
      assert.lengthOf(all, 7)
      assert.deepStrictEqual(
        all.map(({ id }) => id),
        all.map(({ id }) => id).toSorted()
      )
      const statuses = all.map(({ forms }) => read(forms[0]).body.status)
      assert.deepStrictEqual(statuses, [
        "BUILDING",
        "BUILDING",
        "TESTING",
        "TESTING",
        "PUBLISHING",
        "PUBLISHING",
        "SUCCEEDED"
      ])
      assert.deepStrictEqual(yield* told(status, Option.some(status)), [])
      const again = yield* told(status)
      assert.deepStrictEqual(again, all, "telling it again is telling the same")
    }).pipe(Effect.provide(stores))
  )

  it.live("are none without a URL", () =>
    Effect.gen(function* () {
      const { config, ...status } = succeeded()
      const { webhook_url: _url, ...job } = config ?? assert.fail()
      assert.deepStrictEqual(yield* told({ ...status, config: job }), [])
    }).pipe(Effect.provide(stores))
  )

  it.live("have at most 64 KiB, envelope and all, however much was written; the ends of all logs are kept", () =>
    Effect.gen(function* () {
      const status = succeeded({ webhook_url: `https://hooks.example.com/${"x".repeat(2000)}` })
      yield* writeLogs(status, 'a "quoted" \\ line with \u0001 and ä', 20_000)
      const last = (yield* told(status)).at(-1)
      for (const form of last?.forms ?? []) assert.isAtMost(form.length, maxDeliveryBytes)
      const whole = read(last?.forms[0])
      assert.isAbove(whole.bytes, 50_000)
      assert.isTrue(whole.body.logs_truncated)
      for (const phase of ["build", "test", "publish"]) {
        assert.match(whole.body.logs[phase].at(-1), /^\[main\/stdout\] .* ends$/)
        assert.include(whole.body.logs[phase], "[main/stdout] [what came before this was left out]")
      }
      assert.lengthOf(
        whole.body.logs.test.filter((line: string) => line.startsWith("=== Test Job ")),
        3
      )
      const [, few, none] = last?.forms ?? []
      assert.isBelow(read(few).bytes, 16 * 1024)
      assert.deepStrictEqual(read(none).body.logs, { build: [], test: [], publish: [] })
      assert.isTrue(read(none).body.logs_truncated)
    }).pipe(Effect.provide(stores))
  )

  it.live("say the last lines that the status has where no log can be had", () =>
    Effect.gen(function* () {
      const world = new World()
      world.record = valid({ ...tested, webhook_url: url })
      world.settle()
      world.fail(world.child("build"), 1, { report: { ...archived, tail: ["[main/stderr] no such file"] } })
      world.settle()
      const last = (yield* told(world.status ?? assert.fail())).at(-1)
      assert.deepStrictEqual(read(last?.forms[0]).body.logs, {
        build: ["[main/stderr] no such file"],
        test: [],
        publish: []
      })
    }).pipe(Effect.provide(stores))
  )

  it.live("become shorter where the status leaves the transaction no room, and are written with it", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const statuses = yield* Statuses
      const status = succeeded()
      yield* writeLogs(status, "line", 20_000)
      const deliveries = yield* told(status)
      const events = Array.from({ length: 1 }, () => ({ at: 1, reason: "x", message: "m".repeat(340_000) }))
      const modifyIndex = yield* statuses.write(
        { ...status, events },
        {
          record: { key: `${keys.jobs}${status.name}`, modifyIndex: Option.none() },
          modifyIndex: 0,
          fence: Option.none<TxnOp>(),
          taken: [],
          released: [],
          handled: [],
          deliveries,
          confidential: { id: "job", value: { webhook_secret: "s" } }
        }
      )
      assert.isAbove(modifyIndex, 0)
      const { value } = yield* consul.list(keys.outbox)
      assert.lengthOf(value, 7)
      const last = read(value.toSorted((a, b) => (a.key < b.key ? -1 : 1)).at(-1)?.value)
      assert.strictEqual(last.body.event, "job.completed")
      assert.isBelow(last.bytes, 16 * 1024)
      assert.isTrue(last.body.logs_truncated)
      const confidential = Option.getOrThrow(yield* consul.get(keys.confidential("job")))
      assert.strictEqual(new TextDecoder().decode(confidential.value), '{"webhook_secret":"s"}')
    }).pipe(Effect.provide(stores))
  )
})
