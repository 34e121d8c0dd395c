import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Fiber, Option, type Scope, Stream } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import type { Consul } from "../../src/consul/Consul.ts"
import { isTerminal, type Status } from "../../src/domain/Status.ts"
import { Caller } from "../../src/server/Caller.ts"
import { Jobs } from "../../src/server/Jobs.ts"
import type { FoundJob } from "../../src/store/JobFinder.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"
import { Submissions } from "../../src/store/Submissions.ts"
import { atRest, record, setStage, type Stage } from "../zoo/support/Stage.ts"
import { deskOf, keys } from "./deskOf.ts"

/** The whole service, and beside it what another replica answers with. */
const scene = <A, E>(
  play: (stage: Stage) => Effect.Effect<A, E, Jobs | StatusWatch | Scope.Scope>,
  watched: (consul: Consul["Type"]) => Consul["Type"] = (consul) => consul
) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve()
    yield* Effect.provide(play(stage), deskOf(watched(stage.consul)))
  })

const ended = (id: string) =>
  Effect.gen(function* () {
    const jobs = yield* Jobs
    return yield* Effect.iterate(yield* jobs.find(id), {
      while: ({ status }: FoundJob) => !isTerminal(status.status),
      body: ({ index }) => jobs.wait(id, index, Duration.seconds(20))
    })
  })

const failure = <A, E>(effect: Effect.Effect<A, E, Jobs>) =>
  Effect.map(Effect.either(effect), (result) => (Either.isLeft(result) ? result.left : undefined))

/** Nothing more happens to it by itself. */
const running = ({ attempts }: Status): boolean => attempts.some(({ deadline_at }) => deadline_at !== undefined)

const endless = record("slow", { git_ref: endlessRef })

const as = (owner: string) => Effect.provideService(Caller, { name: owner, role: "submit", owners: new Set([owner]) })

describe("a submission", () => {
  it.scopedLive("is a job at once, and is found by its id from then on, after its end as well", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { jobId, repeated } = yield* jobs.submit({ job_config: record("web") })
        assert.isFalse(repeated)
        const first = yield* jobs.find(jobId)
        assert.strictEqual(first.status.job_id, jobId)
        assert.include(["PENDING", "BUILDING"], first.status.status)
        const last = yield* ended(jobId)
        assert.strictEqual(last.status.status, "SUCCEEDED")
        const gone = yield* Effect.repeat(stage.status(jobId), { while: (status) => status !== undefined })
        assert.isUndefined(gone)
        assert.isTrue((yield* jobs.find(jobId)).archived)
      })
    )
  )

  it.scopedLive("names all that is wrong with a configuration, and writes nothing", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const refused = yield* failure(jobs.submit({ ...record("web"), git_ref: "-x", colour: "red" }))
        assert.strictEqual(refused?._tag, "InvalidJob")
        assert.deepStrictEqual(refused?._tag === "InvalidJob" ? refused.errors.map(({ path }) => path) : [], [
          "git_ref",
          "colour"
        ])
        assert.deepStrictEqual((yield* stage.consul.keys(keys.jobs)).value, [])
      })
    )
  )

  it.scopedLive("names no Vault path that an operator keeps from its owner, wherever it comes from", () =>
    scene((stage) =>
      Effect.gen(function* () {
        yield* stage.consul.put(`${keys.config}vault/path_prefixes`, "secret/{owner}")
        yield* Effect.sleep("500 millis")
        const jobs = yield* Jobs
        const config = record("web", { owner: "team-a", git_credentials_path: "secret/team-b/git" })
        const refused = yield* failure(jobs.submit(config))
        const message = "git_credentials_path must lie below secret/team-a"
        assert.deepStrictEqual(refused?._tag === "InvalidJob" ? refused.errors : [], [
          { path: "git_credentials_path", message }
        ])
        yield* stage.put("web", config)
        const inKv = yield* stage.until("web", ({ status }) => isTerminal(status))
        assert.deepInclude(inKv, { reason: "InvalidSpec", error: message })
        assert.deepStrictEqual(inKv.attempts, [])
        yield* jobs.submit({ ...config, git_credentials_path: "secret/team-a/git" })
      })
    )
  )

  it.scopedLive("with a key that was used before is the same job, even when both come at once", () =>
    scene(() =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const submit = (config: object, submitKey = "key 1") => jobs.submit(config, { submitKey })
        const both = yield* Effect.all([submit(record("web")), submit(record("web"))], { concurrency: 2 })
        const again = yield* submit(record("web"))
        assert.lengthOf(new Set([...both, again].map(({ jobId }) => jobId)), 1)
        assert.isTrue(again.repeated)
        assert.lengthOf(
          both.filter(({ repeated }) => repeated),
          1
        )
        assert.strictEqual((yield* failure(submit(record("other"))))?._tag, "SubmitKeyReused")
        const other = yield* submit({ ...record("web"), owner: "somebody else" })
        assert.isFalse(other.repeated)
      })
    )
  )

  it.scopedLive("that must not wait is refused while another holds the image, and says who", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { jobId } = yield* jobs.submit(endless)
        yield* stage.until(jobId, ({ status }) => status === "BUILDING")
        const refused = yield* failure(jobs.submit({ ...endless, on_conflict: "reject" }))
        assert.deepStrictEqual(refused?._tag === "SlotTaken" ? refused.holder.job_id : refused, jobId)
        assert.deepStrictEqual((yield* stage.consul.keys(keys.jobs)).value, [`${keys.jobs}${jobId}`])
      })
    )
  )

  it.scopedLive("keeps what its webhooks are signed with apart from what can be read", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const secret = "canary-0001"
        const { jobId } = yield* jobs.submit({
          ...record("web"),
          webhook_secret: secret,
          webhook_headers: { "X-Token": `${secret}-header` }
        })
        const { value } = yield* stage.consul.list("")
        const holding = value
          .filter((entry) => new TextDecoder().decode(entry.value).includes(secret))
          .map(({ key }) => key)
        assert.deepStrictEqual(holding, [keys.confidential(jobId)])
        yield* ended(jobId)
      })
    )
  )
})

describe("waiting for a job", () => {
  it.scopedLive("ends with the next change, and with none when the time is over", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { jobId } = yield* jobs.submit(endless)
        yield* stage.until(jobId, running)
        const before = yield* jobs.find(jobId)
        const [quiet, same] = yield* Effect.timed(jobs.wait(jobId, before.index, Duration.millis(300)))
        assert.isAtLeast(Duration.toMillis(quiet), 290)
        assert.strictEqual(same.index, before.index)
        const waiting = yield* Effect.fork(Effect.timed(jobs.wait(jobId, before.index, Duration.seconds(20))))
        yield* Effect.sleep(200)
        yield* jobs.kill(jobId)
        const [taken, after] = yield* Fiber.join(waiting)
        assert.isAbove(after.index, before.index)
        assert.isBelow(Duration.toMillis(taken), 5000)
      })
    )
  )

  it.scopedLive(
    "costs one watch and one read a change, however many wait",
    () => {
      let watches = 0
      let reads = 0
      const counting = (consul: Consul["Type"]): Consul["Type"] => ({
        ...consul,
        get: (key, options) =>
          Effect.zipRight(
            Effect.sync(() => {
              if (key.startsWith(keys.statuses)) reads += 1
            }),
            consul.get(key, options)
          ),
        watchKey: (key) => Stream.suspend(() => ((watches += 1), consul.watchKey(key)))
      })
      return scene(
        (stage) =>
          Effect.gen(function* () {
            const jobs = yield* Jobs
            const watch = yield* StatusWatch
            const { jobId } = yield* jobs.submit(endless)
            yield* stage.until(jobId, ({ attempts }) => attempts.some(({ node }) => node !== undefined))
            const { index } = yield* Effect.repeat(jobs.find(jobId), { until: (found) => found.index > 0 })
            const waiters = 1000
            const all = yield* Effect.fork(
              Effect.all(
                Array.from({ length: waiters }, () => watch.newer(jobId, index, Duration.seconds(20))),
                { concurrency: "unbounded" }
              )
            )
            yield* Effect.repeat(watch.waiters, { until: (count) => count === waiters })
            yield* Effect.sleep(300)
            reads = 0
            yield* jobs.kill(jobId)
            const seen = yield* Fiber.join(all)
            // 0: it was archived before they looked.
            assert.isTrue(seen.every(({ modifyIndex }) => modifyIndex > index || modifyIndex === 0))
            // The reads are those of the one that killed it, beside one for all that waited.
            assert.isBelow(reads, 20)
            assert.strictEqual(watches, 1)
          }),
        counting
      )
    },
    60_000
  )
})

describe("a verb", () => {
  it.scopedLive("kills what is under way, once; what was over before is a conflict", () =>
    scene(() =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const slow = yield* jobs.submit(endless)
        yield* jobs.kill(slow.jobId)
        const { status } = yield* ended(slow.jobId)
        assert.deepInclude(status, { status: "FAILED", error: "Job killed by user" })
        yield* jobs.kill(slow.jobId)
        const quick = yield* jobs.submit(record("quick"))
        yield* ended(quick.jobId)
        assert.strictEqual((yield* failure(jobs.kill(quick.jobId)))?._tag, "JobConflict")
        assert.strictEqual((yield* failure(jobs.kill("nothing")))?._tag, "JobNotFound")
      })
    )
  )

  it.scopedLive("is heard though it came before anybody had looked at the job", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* Effect.provide(
        Effect.gen(function* () {
          const jobs = yield* Jobs
          const submissions = yield* Submissions
          const { jobId } = yield* jobs.submit(endless)
          yield* submissions.request("kill", jobId)
          yield* stage.serve()
          assert.strictEqual((yield* ended(jobId)).status.reason, "Cancelled")
          assert.deepStrictEqual((yield* stage.consul.keys(keys.requests)).value, [])
        }),
        deskOf(stage.consul)
      )
    })
  )

  it.scopedLive("builds a job once more, and names the new run while the old one is still cleaned up after", () =>
    scene(() =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { jobId } = yield* jobs.submit(record("web", { test: { entry_point: true } }))
        let last = yield* ended(jobId)
        const seen = new Set([last.status.job_id])
        for (let again = 0; again < 5; again++) {
          const { status } = yield* jobs.retry(jobId)
          assert.isFalse(seen.has(status.job_id), `retry ${again} answers with the run before it`)
          seen.add(status.job_id)
          last = yield* ended(jobId)
        }
        assert.strictEqual(last.status.status, "SUCCEEDED")
      })
    )
  )

  it.scopedLive("builds a job that was archived once more", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { jobId } = yield* jobs.submit(record("web"))
        yield* ended(jobId)
        yield* Effect.repeat(jobs.find(jobId), { until: ({ archived }) => archived })
        const again = yield* jobs.retry(jobId)
        assert.notStrictEqual(again.status.job_id, jobId)
        assert.strictEqual(again.status.generation, 2)
        const last = yield* ended(jobId)
        assert.strictEqual(last.status.status, "SUCCEEDED")
        assert.lengthOf(stage.registry.publications, 2)
      })
    )
  )
})

describe("the list of jobs", () => {
  it.scopedLive("has what is under way and what was archived, newest first, by pages", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const first = yield* jobs.submit(record("first"))
        yield* ended(first.jobId)
        yield* stage.put("by-hand", record("second"))
        yield* stage.until("by-hand", atRest)
        const third = yield* jobs.submit({ ...endless, owner: "somebody else" })
        yield* stage.until(third.jobId, ({ status }) => status === "BUILDING")
        const ids = (query: Parameters<Jobs["Type"]["list"]>[0]) =>
          Effect.map(jobs.list(query), ({ jobs: found, total }) => [found.map(({ name }) => name), total])
        const all = [third.jobId, "by-hand", first.jobId]
        assert.deepStrictEqual(yield* ids({ limit: 50, offset: 0 }), [all, 3])
        assert.deepStrictEqual(yield* ids({ limit: 1, offset: 1 }), [["by-hand"], 3])
        assert.deepStrictEqual(yield* ids({ limit: 50, offset: 9 }), [[], 3])
        assert.deepStrictEqual(yield* ids({ limit: 50, offset: 0, owner: "zoo" }), [["by-hand", first.jobId], 2])
        assert.deepStrictEqual(yield* ids({ limit: 50, offset: 0, status: ["BUILDING"] }), [[third.jobId], 1])
      })
    )
  )
})

describe("a caller with owners of its own", () => {
  it.scopedLive("sees and changes nobody else's jobs", () =>
    scene((stage) =>
      Effect.gen(function* () {
        const jobs = yield* Jobs
        const { jobId } = yield* as("zoo")(jobs.submit(endless))
        yield* stage.until(jobId, ({ status }) => status === "BUILDING")
        assert.strictEqual((yield* as("zoo")(jobs.find(jobId))).status.job_id, jobId)
        for (const act of [jobs.find, jobs.kill, jobs.cleanup, jobs.retry, jobs.purge]) {
          assert.strictEqual((yield* failure(as("other")(act(jobId))))?._tag, "JobNotFound")
        }
        assert.strictEqual((yield* as("other")(jobs.list({ limit: 9, offset: 0 }))).total, 0)
        assert.strictEqual((yield* failure(as("other")(jobs.submit(endless))))?._tag, "NotAllowed")
        const reader = Effect.provideService(Caller, { name: "r", role: "read" as const, owners: new Set(["zoo"]) })
        assert.strictEqual((yield* failure(reader(jobs.kill(jobId))))?._tag, "NotAllowed")
        assert.strictEqual(
          Option.getOrUndefined(Option.some(yield* reader(jobs.find(jobId))))?.status.status,
          "BUILDING"
        )
      })
    )
  )
})
