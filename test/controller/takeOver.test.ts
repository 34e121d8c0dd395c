import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, TestClock } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { takeOver, takeOverOnce } from "../../src/controller/takeOver.ts"
import { Denied, Unavailable } from "../../src/http/ApiError.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import * as ancestor from "../support/ancestor.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

const keys = keysBelow("jobforge-service")
const from = "nomad-build-service"
const lease = { fence: Option.none<TxnOp>(), lost: Effect.never }
const task = { keys, from, lease }

const stores = Layer.merge(JobArchive.layer(keys), LogArchive.layer(keys))
const tester = Layer.provideMerge(stores, embeddedConsul)

const { ids } = ancestor

const put = (key: string, value: string) => Effect.flatMap(Consul, (consul) => consul.put(key, value))

const everything = Effect.gen(function* () {
  yield* put(`${from}/jobs/${ids.succeeded}`, ancestor.succeeded)
  yield* put(`${from}/jobs/${ids.failed}`, ancestor.failed)
  yield* put(`${from}/jobs/${ids.running}`, ancestor.underWay(ids.running, "2025-10-12T08:00:01+02:00"))
  yield* put(`${from}/jobs/${ids.careless}`, ancestor.careless)
  yield* put(`${from}/history/${ids.history}`, ancestor.history)
})

const namesBelow = (prefix: string) =>
  Effect.flatMap(Consul, (consul) => Effect.map(consul.keys(prefix), ({ value }) => value))

const archived = Effect.fnUntraced(function* (id: string) {
  const archive = yield* JobArchive
  return Option.getOrThrow(yield* archive.get(id))
})

const log = Effect.fnUntraced(function* (id: string, nomadJobId: string, stream: "stdout" | "stderr") {
  const archive = yield* LogArchive
  return new TextDecoder().decode(yield* archive.read(id, nomadJobId, stream))
})

/** All that lies in this service's own keys, unpacked as far as it is packed. */
const readable = Effect.gen(function* () {
  const consul = yield* Consul
  const archive = yield* JobArchive
  const { value } = yield* consul.list("jobforge-service/")
  const { jobs } = yield* archive.list({ offset: 0, limit: 100 })
  const logs = yield* Effect.forEach(yield* namesBelow(keys.logs), (key) => {
    const [name = "", nomadJobId = "", file = ""] = key.slice(keys.logs.length).split("/")
    return log(name, nomadJobId, file.startsWith("stderr") ? "stderr" : "stdout")
  })
  return [...value.map((entry) => new TextDecoder().decode(entry.value)), JSON.stringify(jobs), ...logs].join("\n")
})

/** As it is when the ancestor has been gone for long. */
const later = TestClock.setTime(Date.parse("2025-10-20T00:00:00Z"))

describe("takeOver", () => {
  it.effect("moves jobs and history into the archive, with times, configuration and each step's log", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      assert.deepStrictEqual(yield* takeOverOnce(task), { moved: 5, broken: 1, unreadable: 0, left: 0 })
      assert.deepStrictEqual(yield* namesBelow(`${from}/`), [])
      const { status } = yield* archived(ids.succeeded)
      assert.strictEqual(status.status, "SUCCEEDED")
      assert.strictEqual(status.times.job_start, Date.parse("2025-10-10T14:23:45.123Z"))
      assert.strictEqual(status.times.job_end, Date.parse("2025-10-10T14:29:00.499Z"))
      assert.strictEqual(status.times.build_end, Date.parse("2025-10-10T14:26:01Z"))
      assert.deepStrictEqual(status.config?.test?.commands, ["npm test && true", "npm run lint"])
      assert.deepStrictEqual(status.images, [`registry.example.com:5000/shop/web:${ids.succeeded}`])
      const steps = status.attempts.map(({ nomad_job_id: id, outcome, test }) => [id, outcome?.result, test])
      assert.deepStrictEqual(steps, [
        [`build-${ids.succeeded}-1`, "succeeded", undefined],
        [`test-cmd-${ids.succeeded}-0-1`, "succeeded", { kind: "command", index: 0 }],
        [`test-cmd-${ids.succeeded}-1-1`, "succeeded", { kind: "command", index: 1 }],
        [`test-entry-${ids.succeeded}-1`, "succeeded", { kind: "entry-point" }],
        [`publish-${ids.succeeded}-1`, "succeeded", undefined]
      ])
      const build = yield* log(ids.succeeded, `build-${ids.succeeded}-1`, "stdout")
      assert.strictEqual(build, "STEP 1/2: FROM alpine\nBuild completed successfully\n")
      assert.strictEqual(yield* log(ids.succeeded, `test-entry-${ids.succeeded}-1`, "stdout"), "Hello Claude\n")
    }).pipe(Effect.provide(tester))
  )

  it.effect("keeps why a job has failed, and where", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      yield* takeOverOnce(task)
      const { status } = yield* archived(ids.failed)
      assert.strictEqual(status.status, "FAILED")
      assert.strictEqual(status.failed_phase, "build")
      assert.strictEqual(status.reason, "BuildFailed")
      assert.strictEqual(status.error, "Build phase failed: Task 'main': Terminated - Exit Code: 125")
      assert.deepStrictEqual(status.log_tail, ["STEP 1/9: FROM nowhere", "Error: short-name resolution failed"])
      assert.strictEqual(status.times.job_end, Date.parse("2025-10-11T16:02:00Z"))
    }).pipe(Effect.provide(tester))
  )

  it.effect("counts a job that was under way as failed, and says what became of it", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      yield* takeOverOnce(task)
      const { status } = yield* archived(ids.running)
      assert.strictEqual(status.status, "FAILED")
      assert.strictEqual(status.failed_phase, "build")
      assert.strictEqual(status.reason, "ChildLost")
      assert.include(status.error, `was BUILDING in the earlier service`)
      assert.include(status.error, `(build-${ids.running}) are not touched; submit it again`)
      // What is purged or stopped for a job is found by these ids: none of them is the ancestor's.
      assert.deepStrictEqual(status.attempts, [])
    }).pipe(Effect.provide(tester))
  )

  it.effect("leaves a job alone that the ancestor may still follow, and looks again until it is over", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2025-10-12T06:30:00Z"))
      yield* put(`${from}/jobs/${ids.recent}`, ancestor.underWay(ids.recent, "2025-10-12T08:00:01+02:00"))
      yield* put(`${from}/jobs/${ids.failed}`, ancestor.failed)
      assert.deepStrictEqual(yield* takeOverOnce(task), { moved: 1, broken: 0, unreadable: 0, left: 1 })
      assert.deepStrictEqual(yield* namesBelow(`${from}/`), [`${from}/jobs/${ids.recent}`])
      assert.deepStrictEqual(yield* namesBelow("jobforge-service/taken-over/"), [])
      yield* TestClock.adjust("31 minutes")
      assert.deepStrictEqual(yield* takeOverOnce(task), { moved: 1, broken: 1, unreadable: 0, left: 0 })
    }).pipe(Effect.provide(tester))
  )

  it.effect("takes the history's duration for its end", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      yield* takeOverOnce(task)
      const { status } = yield* archived(ids.history)
      assert.strictEqual((status.times.job_end ?? 0) - (status.times.job_start ?? 0), 125_500)
    }).pipe(Effect.provide(tester))
  )

  it.effect("leaves out what it would refuse today, and shows the rest", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      yield* takeOverOnce(task)
      const { status } = yield* archived(ids.careless)
      assert.strictEqual(status.config?.owner, "shop")
      assert.strictEqual(status.config?.repo_url, "https://git.example.com/shop/web.git")
      assert.isUndefined(status.config?.image_tags)
      assert.deepStrictEqual(status.config?.resource_limits, { memory: 1024 })
      assert.include(status.events[0]?.message, "test.python_command")
      assert.strictEqual(status.reason, "TestFailed")
      assert.deepStrictEqual(
        status.attempts.map(({ outcome, test }) => [test?.kind, outcome?.result]),
        [["entry-point", "failed"]]
      )
    }).pipe(Effect.provide(tester))
  )

  it.effect("keeps nothing that was said in confidence, wherever it stood", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      yield* takeOverOnce(task)
      const text = yield* readable
      assert.include(text, "warning: token is [redacted]")
      assert.include(text, "listening with [redacted]")
      const { headerToken, urlToken, webhookSecret } = ancestor
      for (const secret of [webhookSecret, headerToken, headerToken.slice("Bearer ".length), urlToken]) {
        assert.notInclude(text, secret)
      }
    }).pipe(Effect.provide(tester))
  )

  it.effect("leaves what it can't read where it is, and isn't held up by it", () =>
    Effect.gen(function* () {
      yield* later
      const wrong = ["", "{", "[]", "null", '{"id":1}', ancestor.failed, ancestor.failed.replace("FAILED", "GONE")]
      yield* Effect.forEach(wrong, (value, index) => put(`${from}/jobs/wrong-${index}`, value))
      yield* put(`${from}/jobs/${ids.failed}`, ancestor.failed)
      assert.deepStrictEqual(yield* takeOverOnce(task), { moved: 1, broken: 0, unreadable: wrong.length, left: 0 })
      assert.strictEqual((yield* namesBelow(`${from}/`)).length, wrong.length)
      // And is not looked at in each term of office.
      assert.deepStrictEqual(yield* takeOverOnce(task), { moved: 0, broken: 0, unreadable: 0, left: 0 })
    }).pipe(Effect.provide(tester))
  )

  it.effect("leaves no mark where there was nothing, or nothing that may be seen", () =>
    Effect.gen(function* () {
      yield* takeOverOnce(task)
      assert.deepStrictEqual(yield* namesBelow("jobforge-service/"), [])
    }).pipe(Effect.provide(tester))
  )

  it.effect("takes keys that it has no right to list for none", () =>
    Effect.gen(function* () {
      yield* everything
      const consul = yield* Consul
      const denied = new Denied({ system: "consul", operation: "keys", detail: "Permission denied" })
      const other = Consul.of({ ...consul, keys: () => Effect.fail(denied) })
      const end = yield* Effect.provide(takeOverOnce(task), Layer.provideMerge(stores, Layer.succeed(Consul, other)))
      assert.deepStrictEqual(end, { moved: 0, broken: 0, unreadable: 0, left: 0 })
      assert.deepStrictEqual(yield* namesBelow("jobforge-service/"), [])
    }).pipe(Effect.provide(tester))
  )

  it.effect("moves jobs out of this service's own records, and leaves the records", () =>
    Effect.gen(function* () {
      const own = { ...task, from: "jobforge-service" }
      yield* TestClock.setTime(Date.parse("2025-10-12T06:30:00Z"))
      yield* put(`${keys.jobs}${ids.failed}`, ancestor.failed)
      yield* put(`${keys.jobs}${ids.recent}`, ancestor.underWay(ids.recent, "2025-10-12T08:29:01+02:00"))
      yield* put(`${keys.jobs}team-a/web`, '{"owner":"a"}')
      assert.deepStrictEqual(yield* takeOverOnce(own), { moved: 2, broken: 1, unreadable: 0, left: 0 })
      assert.deepStrictEqual(yield* namesBelow(keys.jobs), [`${keys.jobs}team-a/web`])
    }).pipe(Effect.provide(tester))
  )

  it.effect("a crash at any write loses no job, doubles none, and the next leader ends the work", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      const consul = yield* Consul
      let crashes = 0
      for (let survived = 0; ; survived++) {
        let writes = 0
        const dying = () =>
          Effect.suspend(() =>
            writes++ < survived
              ? Effect.void
              : Effect.fail(new Unavailable({ system: "consul", operation: "write", detail: "the process died" }))
          )
        const mortal = Consul.of({
          ...consul,
          put: (key, value) => Effect.zipRight(dying(), consul.put(key, value)),
          transaction: (ops, options) =>
            // Those that only read are no writes.
            Effect.zipRight(ops.every(TxnOp.$is("Get")) ? Effect.void : dying(), consul.transaction(ops, options))
        })
        const end = yield* takeOverOnce(task).pipe(
          Effect.provide(Layer.provideMerge(stores, Layer.succeed(Consul, mortal))),
          Effect.either
        )
        const waiting = (yield* namesBelow(`${from}/`)).map((key) => key.split("/").at(-1) ?? "")
        const archive = yield* JobArchive
        const there = (yield* archive.index).map(({ name }) => name)
        const all = [ids.succeeded, ids.failed, ids.running, ids.history, ids.careless].toSorted()
        assert.deepStrictEqual([...waiting, ...there].toSorted(), all)
        if (end._tag === "Right") break
        crashes += 1
        assert.isBelow(crashes, 100)
      }
      assert.isAbove(crashes, 5)
      assert.strictEqual(yield* log(ids.succeeded, `test-entry-${ids.succeeded}-1`, "stdout"), "Hello Claude\n")
    }).pipe(Effect.provide(tester))
  )

  it.effect("writes nothing when the office is lost", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      const fence = Option.some(TxnOp.CheckIndex({ key: keys.leader, index: 7 }))
      const end = yield* takeOverOnce({ ...task, lease: { ...lease, fence } })
      assert.strictEqual(end.moved, 0)
      assert.strictEqual(end.left, 5)
      assert.strictEqual((yield* namesBelow(`${from}/`)).length, 5)
    }).pipe(Effect.provide(tester))
  )

  it.effect("ends once nothing is left to look at again", () =>
    Effect.gen(function* () {
      yield* later
      yield* everything
      const began = yield* Clock.currentTimeMillis
      yield* takeOver(task)
      assert.strictEqual(yield* Clock.currentTimeMillis, began)
      assert.strictEqual((yield* namesBelow("jobforge-service/taken-over/")).length, 1)
    }).pipe(Effect.provide(tester))
  )
})
