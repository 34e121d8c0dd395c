import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import { endlessRef, failingTest } from "../../scripts/chaos/modelDriver.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { deliveryId } from "../../src/domain/childIds.ts"
import { isTerminal } from "../../src/domain/Status.ts"
import { Submissions } from "../../src/store/Submissions.ts"
import { eventually } from "../support/eventually.ts"
import { desired } from "../support/world.ts"
import { keys, record, setStage, type Stage, withTests } from "../zoo/support/Stage.ts"
import { dyingAt, onOutbox } from "./dyingAt.ts"
import { assertSigned, bodyOf, eventOf, outboxIsEmpty, receiver, valueOf } from "./receiver.ts"

const all = [
  "build.started",
  "build.completed",
  "test.started",
  "test.completed",
  "publish.started",
  "publish.completed",
  "job.completed"
]

const secret = "s3cret-of-the-receiver"

/** Receivers here are on this machine, where a stranger's would be refused. */
const stageWithReceivers = Effect.tap(setStage, ({ consul }) =>
  Effect.orDie(consul.put(`${keys.config}webhooks/allow`, "127.0.0.0/8"))
)

/** Runs a job past the death of its first leader, and answers with what its receiver has seen. */
const pastADeath = Effect.fnUntraced(function* (stage: Stage, death: ReturnType<typeof dyingAt>) {
  const server = yield* receiver()
  const first = yield* stage.serve({ consul: death.consul })
  yield* stage.put("web", record("web", { webhook_url: server.url, webhook_secret: secret, ...withTests }))
  yield* eventually("the first one dies", Effect.sync(death.isDead))
  yield* Fiber.interrupt(first)
  yield* stage.serve()
  const { job_id: jobId = "" } = yield* stage.ended("web", "30 seconds")
  yield* outboxIsEmpty(stage.consul)
  return { jobId, seen: server.seen }
})

describe("webhook run", () => {
  it.scopedLive(
    "every delivery is signed, custom headers are present, and one SUCCEEDED delivery has duration, logs and metrics",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const server = yield* receiver()
        yield* stage.serve()
        yield* stage.put(
          "team/web",
          record("web", {
            webhook_url: server.url,
            webhook_secret: secret,
            webhook_headers: { Authorization: "Bearer of-the-receiver", "User-Agent": "mine/1.0" },
            ...withTests
          })
        )
        const status = yield* stage.ended("team/web")
        yield* outboxIsEmpty(stage.consul)

        assert.deepStrictEqual(server.events(), all)
        for (const seen of server.seen) {
          assertSigned(seen, secret)
          assert.strictEqual(seen.method, "POST")
          assert.strictEqual(seen.url, "/hook?token=t")
          assert.strictEqual(seen.headers["content-type"], "application/json")
          assert.strictEqual(seen.headers["authorization"], "Bearer of-the-receiver")
          assert.strictEqual(seen.headers["user-agent"], "mine/1.0")
          assert.strictEqual(bodyOf(seen).delivery_id, deliveryId(status.job_id ?? "", eventOf(seen)))
        }
        const succeeded = server.seen.map(bodyOf).filter((body) => body.status === "SUCCEEDED")
        assert.lengthOf(succeeded, 1)
        const [last] = succeeded
        assert.strictEqual(last.job_id, status.job_id)
        assert.strictEqual(last.owner, "zoo")
        assert.strictEqual(last.repo_url, "https://git.example.com/zoo/app.git")
        assert.strictEqual(last.git_ref, "main")
        assert.strictEqual(last.image_name, "zoo/web")
        assert.deepStrictEqual(last.image_tags, [status.job_id, "latest"])
        assert.deepStrictEqual(last.images, status.images)
        assert.strictEqual(last.digest, status.digest)
        const { job_end: end = 0, job_start: start = 0 } = status.times
        assert.strictEqual(last.duration, (end - start) * 1_000_000)
        assert.strictEqual(last.metrics.total_duration, last.duration)
        assert.strictEqual(last.metrics.build_start, new Date(status.times.build_start ?? 0).toISOString())
        assert.strictEqual(last.logs_truncated, false)
        assert.deepStrictEqual(last.logs.build, [
          `[main/stdout] build-${status.job_id}-1 begins`,
          `[main/stdout] build-${status.job_id}-1 ends`
        ])
        assert.deepStrictEqual(last.logs.test.slice(0, 2), [
          `=== Test Job 0 (test-cmd-${status.job_id}-0-1) ===`,
          `[main/stdout] test-cmd-${status.job_id}-0-1 begins`
        ])
        assert.lengthOf(last.logs.publish, 2)
        assert.notProperty(last, "error")

        // What signs them is in no place that others read.
        for (const key of [keys.status("team/web"), keys.archived("team/web")]) {
          assert.notInclude(yield* valueOf(stage.consul, key), secret)
          assert.notInclude(yield* valueOf(stage.consul, key), "of-the-receiver")
        }
      }),
    60_000
  )

  it.scopedLive(
    "a job that came over HTTP is told about with the secret that lies apart",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const server = yield* receiver()
        yield* stage.serve()
        const { jobId } = yield* Effect.provide(
          Effect.flatMap(Submissions, (desk) =>
            desk.submit(
              desired({ webhook_url: server.url, webhook_secret: secret, webhook_on_success: false, ...withTests }),
              { submitKey: Option.none(), wanted: [] }
            )
          ),
          Submissions.layer(keys).pipe(Layer.provide(Layer.succeed(Consul, stage.consul)))
        )
        yield* eventually(
          "it is told about",
          Effect.sync(() => server.seen.length === all.length - 1)
        )
        yield* outboxIsEmpty(stage.consul)
        assert.deepStrictEqual(server.events(), all.slice(0, -1))
        for (const seen of server.seen) assertSigned(seen, secret)
        assert.notInclude(yield* valueOf(stage.consul, `${keys.jobs}${jobId}`), secret)
      }),
    60_000
  )

  it.scopedLive(
    "a failed job's last message says why, where and with which lines",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const server = yield* receiver()
        yield* stage.serve()
        yield* stage.put("web", record("web", { webhook_url: server.url, test: { commands: ["true", failingTest] } }))
        const status = yield* stage.ended("web")
        yield* outboxIsEmpty(stage.consul)
        assert.deepStrictEqual(server.events(), [
          "build.started",
          "build.completed",
          "test.started",
          "test.failed",
          "job.failed"
        ])
        const last = bodyOf(server.seen.at(-1) ?? assert.fail())
        assert.deepInclude(last, { status: "FAILED", reason: "TestFailed", phase: "test", error: status.error })
        assert.include(last.logs.test.join("\n"), `test-cmd-${status.job_id}-1-1 ends`)
        assert.notProperty(server.seen[0]?.headers, "x-webhook-signature")
      }),
    60_000
  )

  it.scopedLive(
    "a killed job is told about with its reason; one whose record is deleted still signed",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const killed = yield* receiver()
        const deleted = yield* receiver()
        yield* stage.serve()
        const under = (url: string) => ({ webhook_url: url, webhook_secret: secret, git_ref: endlessRef })
        yield* stage.put("killed", record("killed", under(killed.url)))
        yield* stage.put("deleted", record("deleted", under(deleted.url)))
        yield* stage.until("killed", ({ status }) => status === "BUILDING")
        yield* stage.until("deleted", ({ status }) => status === "BUILDING")
        yield* stage.put("killed", record("killed", { ...under(killed.url), state: "cancelled" }))
        yield* stage.consul.delete(`${keys.jobs}deleted`)
        yield* stage.until("killed", ({ status }) => isTerminal(status))
        yield* stage.until("deleted", ({ status }) => isTerminal(status))
        yield* outboxIsEmpty(stage.consul)
        for (const [server, reason] of [
          [killed, "Cancelled"],
          [deleted, "Deleted"]
        ] as const) {
          assert.deepStrictEqual(server.events(), ["build.started", "build.failed", "job.failed"])
          assert.deepInclude(bodyOf(server.seen.at(-1) ?? assert.fail()), { reason, status: "FAILED" })
          for (const seen of server.seen) assertSigned(seen, secret)
        }
      }),
    60_000
  )

  it.scopedLive(
    "a receiver that is down for two tries misses nothing, and hears everything in order",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const server = yield* receiver((at, _seen, response) => {
          if (at < 2) response.destroy()
          else response.end()
        })
        yield* stage.serve()
        yield* stage.put("web", record("web", { webhook_url: server.url, webhook_secret: secret, ...withTests }))
        yield* stage.ended("web")
        yield* outboxIsEmpty(stage.consul)
        assert.deepStrictEqual(server.events(), ["build.started", "build.started", ...all])
        const [first, second, third] = server.seen
        assert.strictEqual(second?.body, first?.body)
        assert.strictEqual(third?.body, first?.body)
        for (const seen of server.seen) assertSigned(seen, secret)
      }),
    60_000
  )
})

describe("a leader that dies", () => {
  it.scopedLive(
    "between the transition and its delivery loses none",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const { seen } = yield* pastADeath(stage, dyingAt(onOutbox("Set", ".00."), "after"))
        assert.deepStrictEqual([...new Set(seen.map(eventOf))], all)
        for (const one of seen) assertSigned(one, secret)
      }),
    60_000
  )

  it.scopedLive(
    "in the transaction that ends the job tells its end, whether it took effect or not",
    () =>
      Effect.gen(function* () {
        for (const when of ["before", "after"] as const) {
          const stage = yield* stageWithReceivers
          const { seen } = yield* pastADeath(stage, dyingAt(onOutbox("Set", ".09."), when))
          assert.deepStrictEqual([...new Set(seen.map(eventOf))], all)
        }
      }),
    90_000
  )

  it.scopedLive(
    "between a delivery and its deletion sends it again: the same bytes under the same id",
    () =>
      Effect.gen(function* () {
        const stage = yield* stageWithReceivers
        const { jobId, seen } = yield* pastADeath(stage, dyingAt(onOutbox("DeleteCas"), "before"))
        const events = seen.map(eventOf)
        assert.deepStrictEqual([...new Set(events)], all)
        const twice = seen.filter((one) => eventOf(one) === events[0])
        assert.lengthOf(twice, 2)
        assert.strictEqual(twice[0]?.body, twice[1]?.body)
        assert.strictEqual(twice[1]?.headers["x-webhook-delivery"], deliveryId(jobId, events[0] ?? ""))
        for (const one of seen) assertSigned(one, secret)
      }),
    60_000
  )
})
