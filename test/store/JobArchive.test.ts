import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { formsOf } from "../../src/store/ArchivedJob.ts"
import { type ArchivedRef, archivedRef, parseArchivedRef, refsToDelete } from "../../src/store/ArchivedRef.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { maxRecordBytes } from "../../src/store/RecordTable.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { minimal } from "../support/world.ts"
import { archived, ended, keys, none, stored, tester, uuid } from "./archivedJobs.ts"

const everything = Effect.gen(function* () {
  const consul = yield* Consul
  return (yield* consul.keys("jobforge-service/")).value.map((key) => key.slice("jobforge-service/".length))
})

describe("refsToDelete", () => {
  it("keeps the newest, at most so many of them, and nothing that is too old", () => {
    const refs = FastCheck.array(FastCheck.record({ startedAt: FastCheck.nat(1000), lasted: FastCheck.nat(100) })).map(
      (times) =>
        times
          .toSorted((a, b) => b.startedAt - a.startedAt)
          .map(({ lasted, startedAt }, index): ArchivedRef => ({
            key: String(index),
            name: "a",
            jobId: "a",
            startedAt,
            endedAt: startedAt + lasted
          }))
    )
    FastCheck.assert(
      FastCheck.property(refs, FastCheck.nat(20), FastCheck.nat(1000), (all, historyMax, historyAge) => {
        const doomed = new Set(refsToDelete(all, { historyAge, historyMax }, 1100))
        const kept = all.filter((ref) => !doomed.has(ref))
        const young = all.filter(({ endedAt }) => 1100 - endedAt <= historyAge)
        assert.deepStrictEqual(kept, young.slice(0, historyMax))
      })
    )
  })

  it("finds in a key what was written into it", () => {
    const status = ended(uuid(1), Date.parse("2026-03-04T05:06:07.089Z"))
    const ref = archivedRef("archive/times/", status)
    assert.strictEqual(ref.key, `archive/times/2026-03-04T05:06:07.089Z/2026-03-04T05:07:07.089Z/${uuid(1)}/${uuid(1)}`)
    assert.deepStrictEqual(parseArchivedRef("archive/times/", ref.key), Option.some(ref))
    assert.isTrue(Option.isNone(parseArchivedRef("archive/times/", "archive/times/nonsense")))
  })
})

describe("formsOf", () => {
  it("drops first what stands elsewhere in the same value, then what the archived logs say as well", () => {
    const base = ended(uuid(1), 1000)
    const outcome = {
      result: "failed" as const,
      reason: "TestFailed" as const,
      message: "exit code 1",
      infrastructure: false,
      log_tail: ["the end"],
      logs: "archived" as const,
      log_bytes: 7,
      log_truncated: false,
      at: 0
    }
    const status = { ...base, attempts: base.attempts.map((attempt) => ({ ...attempt, outcome })) }
    const job = { name: uuid(1), archived_at: 0, record: { key: "jobs/a", text: "the record" }, status }
    const [whole, withoutText, bare] = formsOf(job)
    assert.strictEqual(whole, job)
    assert.deepStrictEqual(withoutText, { ...job, record: { key: "jobs/a" } })
    const { log_tail: _tail, ...shorter } = outcome
    assert.deepStrictEqual(bare, {
      ...job,
      record: { key: "jobs/a" },
      status: { ...status, events: [], attempts: base.attempts.map((attempt) => ({ ...attempt, outcome: shorter })) }
    })
  })
})

describe("JobArchive", () => {
  it.live("moves record and status, which are found by the job's id from then on", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* JobArchive
      const status = ended(uuid(1), 1000)
      yield* archived(status, "owner: me # and a comment\n")
      const job = Option.getOrThrow(yield* archive.get(uuid(1)))
      assert.deepStrictEqual(job.status, status)
      assert.deepStrictEqual(job.record, { key: `${keys.jobs}${uuid(1)}`, text: "owner: me # and a comment\n" })
      assert.deepStrictEqual(
        (yield* everything).filter((key) => key.startsWith("jobs/") || key.startsWith("status/")),
        []
      )
      const { value } = Option.getOrThrow(yield* consul.get(keys.archived(uuid(1))))
      assert.deepInclude(JSON.parse(gunzipSync(value).toString()), { name: uuid(1) })
      assert.isTrue(Option.isNone(yield* archive.get(uuid(2))))
      assert.isTrue(Option.isNone(yield* archive.get("../leader")))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("finds a job by its last run's id too", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      yield* archived(ended(uuid(1), 1000, { job_id: uuid(7), generation: 2 }))
      assert.strictEqual(Option.getOrThrow(yield* archive.get(uuid(7))).name, uuid(1))
      yield* archive.prune({ historyAge: 1000, historyMax: 10 }, none, 10_000_000)
      assert.isTrue(Option.isNone(yield* archive.get(uuid(7))))
      assert.deepStrictEqual(yield* everything, [])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("pages through the jobs, those that began last first", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      for (const number of [3, 1, 5, 2, 4]) yield* archived(ended(uuid(number), number * 1000))
      const page = yield* archive.list({ offset: 1, limit: 2 })
      assert.deepStrictEqual(
        page.jobs.map(({ name }) => name),
        [uuid(4), uuid(3)]
      )
      assert.strictEqual(page.total, 5)
      assert.deepStrictEqual((yield* archive.list({ offset: 9, limit: 2 })).jobs, [])
      assert.strictEqual((yield* archive.index)[0]?.name, uuid(5))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("writes nothing when the record or the status changed meanwhile, or the office is lost", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* JobArchive
      const finished = yield* stored(ended(uuid(1), 1000))
      const before = yield* everything
      const session = yield* consul.createSession({
        name: "deposed",
        ttl: "10 seconds",
        lockDelay: "0 seconds",
        behavior: "release"
      })
      const fence = Option.some(TxnOp.CheckSession({ key: keys.leader, session }))
      const refusals = [
        { ...finished, fence },
        { ...finished, statusIndex: finished.statusIndex - 1 },
        { ...finished, record: { ...finished.record, modifyIndex: Option.some(1) } },
        { ...finished, record: { ...finished.record, modifyIndex: Option.none() } }
      ]
      for (const refused of refusals) {
        assert.strictEqual((yield* Effect.flip(archive.put(refused)))._tag, "WriteConflict")
        assert.deepStrictEqual(yield* everything, before)
      }
      yield* archive.put(finished)
      const after = yield* everything
      // Its first answer got lost, say.
      assert.strictEqual((yield* Effect.flip(archive.put(finished)))._tag, "WriteConflict")
      assert.deepStrictEqual(yield* everything, after)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("archives what is left of a job whose record was deleted", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* JobArchive
      const finished = yield* stored(ended(uuid(1), 1000))
      yield* consul.delete(finished.record.key)
      yield* archive.put({ ...finished, record: { ...finished.record, modifyIndex: Option.none() } })
      assert.isUndefined(Option.getOrThrow(yield* archive.get(uuid(1))).record)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("keeps the later of two jobs of one name, and once only", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      yield* archived(ended(uuid(1), 1000, { job_id: uuid(8) }))
      yield* archived(ended(uuid(1), 2000))
      assert.strictEqual((yield* archive.list({ offset: 0, limit: 9 })).total, 1)
      assert.isTrue(Option.isNone(yield* archive.get(uuid(8))))
      assert.strictEqual(Option.getOrThrow(yield* archive.get(uuid(1))).status.times.job_start, 2000)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("deletes by age and by number, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      // More than one transaction deletes.
      const numbers = Array.from({ length: 24 }, (_, index) => index + 1)
      for (const number of numbers) yield* archived(ended(uuid(number), number * 1_000_000))
      const prune = (historyAge: number, historyMax: number) =>
        archive.prune({ historyAge, historyMax }, none, 24 * 1_000_000 + 60_000)
      assert.strictEqual(yield* prune(21_500_000, 100), 2)
      assert.strictEqual(yield* prune(21_500_000, 3), 19)
      assert.strictEqual(yield* prune(21_500_000, 3), 0)
      const left = yield* archive.list({ offset: 0, limit: 9 })
      assert.deepStrictEqual(
        left.jobs.map(({ name }) => name),
        [uuid(24), uuid(23), uuid(22)]
      )
      assert.lengthOf(yield* everything, 6)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("puts a job back as it was, for requests about it", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* JobArchive
      const statuses = yield* Statuses
      const status = ended(uuid(1), 1000)
      yield* archived(status, "the record")
      assert.deepStrictEqual(yield* archive.restore(uuid(1), none), Option.some(uuid(1)))
      assert.deepStrictEqual((yield* statuses.get(uuid(1))).status, Option.some(status))
      const record = Option.getOrThrow(yield* consul.get(`${keys.jobs}${uuid(1)}`))
      assert.strictEqual(new TextDecoder().decode(record.value), "the record")
      assert.lengthOf(yield* everything, 2)
      assert.isTrue(Option.isNone(yield* archive.restore(uuid(1), none)))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("fits the largest record into a transaction, however badly it compresses", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      let seed = 1
      const random = () => (seed = (seed * 48_271) % 2_147_483_647) % 26
      const noise = (length: number) => Array.from({ length }, () => String.fromCharCode(97 + random())).join("")
      const env = Object.fromEntries(Array.from({ length: 90 }, (_, at) => [`V${at}`, noise(1000)]))
      const base = ended(uuid(1), 1000)
      const config = base.config === undefined ? undefined : { ...base.config, test: { env } }
      const lines = Array.from({ length: 30 }, () => noise(400))
      const attempts = Array.from({ length: 8 }, (_, at) => ({
        nomad_job_id: `test-cmd-${uuid(1)}-${at}-1`,
        phase: "test" as const,
        attempt: 1,
        intended_at: 0,
        seen: true,
        outcome: {
          result: "failed" as const,
          reason: "TestFailed" as const,
          message: "exit code 1",
          infrastructure: false,
          log_tail: lines.map((line) => line + noise(10)),
          logs: "archived" as const,
          log_bytes: 1,
          log_truncated: false,
          at: 0
        }
      }))
      const status = { ...base, attempts, ...(config === undefined ? {} : { config }) }
      const text = JSON.stringify({ ...minimal, test: { env } }).padEnd(maxRecordBytes, " ")
      yield* archived(status, text)
      const job = Option.getOrThrow(yield* archive.get(uuid(1)))
      assert.deepStrictEqual(job.status.config, config)
      assert.lengthOf(job.status.attempts, 8)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})
