import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { endlessRef, failingTest } from "../../scripts/chaos/modelDriver.ts"
import { type JobForgeError, JobForge, type JobInput, JobInTheWay, JobMissing } from "../../src/client/entry.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { minimal } from "../domain/records.ts"
import { httpDesk } from "../server/httpDesk.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { setStage, type Stage } from "../zoo/support/Stage.ts"

const quiet = Logger.remove(Logger.defaultLogger)

/** A promise of the client's, as a test waits for it. */
const call = <A>(promise: () => Promise<A>): Effect.Effect<A, JobForgeError> =>
  Effect.async((resume) => {
    promise().then(
      (value) => resume(Effect.succeed(value)),
      (error: JobForgeError) => resume(Effect.fail(error))
    )
  })

const collect = async <A>(items: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const item of items) all.push(item)
  return all
}

const job = (image: string, more: Partial<JobInput> = {}): JobInput => ({
  owner: "zoo",
  repo_url: "https://git.example.com/zoo/app.git",
  image_name: `zoo/${image}`,
  image_tags: ["latest"],
  registry_url: "registry.example.com:5000",
  ...more
})

/** The client of a whole running service. */
const staged = <A, E>(play: (forge: JobForge, stage: Stage) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve()
    const { url } = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
    yield* play(new JobForge({ baseUrl: `${url}/` }), stage)
  }).pipe(Effect.provide(quiet))

const alone = <A, E>(play: (forge: JobForge) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const { url } = yield* httpDesk({ consul: yield* Consul })
    yield* play(new JobForge(url))
  }).pipe(Effect.provide(Layer.merge(embeddedConsul, quiet)))

describe("JobForge", () => {
  it.scopedLive("submits a job, watches it, waits for its end and reads what became of it", () =>
    staged((forge) =>
      Effect.gen(function* () {
        const { job_id: id, status } = yield* call(() => forge.submitJob(job("app", { test: { entry_point: true } })))
        assert.strictEqual(status, "PENDING")
        const [transitions, state] = yield* Effect.all(
          [call(() => collect(forge.watch(id))), call(() => forge.wait(id, { timeout: 20_000 }))],
          { concurrency: 2 }
        )
        assert.deepStrictEqual(
          transitions.map((one) => one.status),
          ["PENDING", "BUILDING", "TESTING", "PUBLISHING", "SUCCEEDED"]
        )
        assert.strictEqual(state.status, "SUCCEEDED")
        assert.match(state.digest ?? "", /^sha256:/)
        const { logs } = yield* call(() => forge.getLogs(id, { phase: "build" }))
        assert.isNotEmpty(logs.build)
        const lines = yield* call(() => collect(forge.streamLogs(id)))
        assert.deepStrictEqual(
          lines.filter(({ phase }) => phase === "build").map(({ message }) => message),
          logs.build
        )
        const { jobs, total } = yield* call(() => forge.getHistory({ limit: 5, status: "SUCCEEDED", owner: "zoo" }))
        assert.deepStrictEqual([total, jobs[0]?.id], [1, id])
        assert.strictEqual((yield* call(() => forge.health())).status, "healthy")
      })
    )
  )

  it.scopedLive("kills, retries, purges and cleans up, and is told in a typed error what doesn't fit", () =>
    staged((forge) =>
      Effect.gen(function* () {
        const { job_id: id } = yield* call(() => forge.submitJob(job("slow", { git_ref: endlessRef })))
        const early = yield* Effect.flip(call(() => forge.retry(id)))
        assert.instanceOf(early, JobInTheWay)
        assert.isTrue((yield* call(() => forge.killJob(id))).success)
        const ended = yield* call(() => forge.wait(id, { timeout: 20_000 }))
        assert.deepStrictEqual([ended.status, ended.error], ["FAILED", "Job killed by user"])
        assert.isTrue((yield* call(() => forge.purge(id))).success)
        assert.deepStrictEqual((yield* call(() => forge.cleanup(id))).cleaned_jobs, [id])
      })
    )
  )

  it.scopedLive("reads one diagnosis of a job that failed", () =>
    staged((forge) =>
      Effect.gen(function* () {
        const { job_id: id } = yield* call(() => forge.submitJob(job("red", { test: { commands: [failingTest] } })))
        yield* call(() => forge.wait(id, { timeout: 20_000 }))
        const diagnosis = yield* call(() => forge.diagnosis(id))
        assert.deepStrictEqual([diagnosis.phase, diagnosis.exit_code], ["test", 3])
        assert.notStrictEqual(diagnosis.next_action, "")
      })
    )
  )

  it.scoped("makes one job with one idempotency key", () =>
    alone((forge) =>
      Effect.gen(function* () {
        const submit = (more: Partial<JobInput>) =>
          call(() => forge.submitJob({ ...minimal, ...more }, { idempotencyKey: "once" }))
        const first = yield* submit({})
        assert.strictEqual((yield* submit({})).job_id, first.job_id)
        const other = yield* Effect.flip(submit({ git_ref: "v2" }))
        assert.deepStrictEqual([other._tag, other._tag === "KeyUsed" && other.jobId], ["KeyUsed", first.job_id])
      })
    )
  )

  it.scoped("rejects with the fault of each field, and with JobMissing for what there is not", () =>
    alone((forge) =>
      Effect.gen(function* () {
        const invalid = yield* Effect.flip(call(() => forge.submitJob({ ...minimal, git_ref: "-x", image_name: "A" })))
        assert.deepStrictEqual(invalid._tag === "JobInvalid" ? invalid.errors.map(({ path }) => path) : invalid, [
          "git_ref",
          "image_name"
        ])
        for (const missing of [
          yield* Effect.flip(call(() => forge.getStatus("team/web?x=1"))),
          yield* Effect.flip(call(() => forge.diagnosis("team/web?x=1"))),
          yield* Effect.flip(call(() => collect(forge.watch("team/web?x=1")))),
          yield* Effect.flip(call(() => collect(forge.streamLogs("team/web?x=1"))))
        ]) {
          assert.instanceOf(missing, JobMissing)
          assert.strictEqual(missing.message, "Job not found: job not found: team/web?x=1")
        }
      })
    )
  )

  it.scopedLive("is ended by the caller's signal and by its own timeout", () =>
    alone((forge) =>
      Effect.gen(function* () {
        const { job_id: id } = yield* call(() => forge.submitJob(minimal))
        const aborted = yield* Effect.flip(call(() => forge.wait(id, { signal: AbortSignal.timeout(200) })))
        assert.strictEqual(aborted._tag, "CallAborted")
        const late = yield* Effect.flip(call(() => forge.wait(id, { timeout: 200 })))
        assert.strictEqual(late._tag, "CallTimeout")
        const left = yield* Effect.flip(call(() => collect(forge.watch(id, { signal: AbortSignal.timeout(200) }))))
        assert.strictEqual(left._tag, "CallAborted")
      })
    )
  )

  it.scopedLive("tells apart a service that is away, one without Consul, and something else", () =>
    Effect.gen(function* () {
      const away = new Unavailable({ system: "consul", operation: "kv.get", detail: "refused" })
      const consul = { ...(yield* Consul), get: () => away, list: () => away, leader: () => away }
      const scope = yield* Scope.make()
      const { url } = yield* Scope.extend(httpDesk({ consul }), scope)
      const forge = new JobForge(url)
      const withoutConsul = yield* Effect.flip(call(() => forge.getStatus("x")))
      assert.deepStrictEqual(withoutConsul._tag === "ServiceUnavailable" ? withoutConsul.code : withoutConsul, 503)
      assert.strictEqual((yield* call(() => forge.health())).status, "unhealthy")
      yield* Scope.close(scope, Exit.void)
      const gone = yield* Effect.flip(call(() => forge.getStatus("x")))
      assert.deepStrictEqual(gone._tag === "ServiceUnavailable" ? gone.code : gone, undefined)
      assert.include(gone.message, `${new URL(url).origin} does not answer: `)
      const other = createServer((_request, response) => response.end("<html>"))
      yield* Effect.acquireRelease(
        Effect.async<void>((resume) => {
          other.listen(Number(new URL(url).port), "127.0.0.1", () => resume(Effect.void))
        }),
        () => Effect.sync(() => other.close())
      )
      const unknown = yield* Effect.flip(call(() => forge.getStatus("x")))
      assert.strictEqual(unknown._tag, "UnexpectedAnswer")
    }).pipe(Effect.provide(Layer.merge(embeddedConsul, quiet)))
  )

  it.scopedLive("watches on through a restart of the service", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const first = yield* Scope.make()
      const { url } = yield* Scope.extend(httpDesk({ consul: stage.consul, nomad: stage.nomad }), first)
      let base = url
      const forge = new JobForge({
        baseUrl: url,
        fetch: (input, init) => fetch(new Request(input).url.replace(url, base), init)
      })
      const { job_id: id } = yield* call(() => forge.submitJob(job("slow", { git_ref: endlessRef })))
      const watching = yield* Effect.fork(call(() => collect(forge.watch(id))))
      yield* stage.until(id, ({ status }) => status === "BUILDING")
      yield* Scope.close(first, Exit.void)
      const second = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
      base = second.url
      yield* call(() => forge.killJob(id))
      const transitions = yield* watching
      assert.deepStrictEqual(
        transitions.map(({ status }) => status),
        ["PENDING", "BUILDING", "FAILED"]
      )
    }).pipe(Effect.provide(quiet))
  )

  it.live("watches on while a gateway answers in the place of the service", () =>
    Effect.gen(function* () {
      const end = 'event: end\ndata: {"job_id":"a","reason":"finished"}\n\n'
      const answers = [
        Response.json({ message: "no backend" }, { status: 503 }),
        new Response(end, { headers: { "content-type": "text/event-stream" } })
      ]
      const fetch = () => Promise.resolve(answers.shift() ?? Response.error())
      const forge = new JobForge({ baseUrl: "http://forge.example.com", fetch })
      assert.deepStrictEqual(yield* call(() => collect(forge.watch("a"))), [])
      assert.isEmpty(answers)
    })
  )

  it.live("asks Consul by the caller's own fetch, too", () =>
    Effect.gen(function* () {
      const found = [{ Node: { Address: "10.0.0.7" }, Service: { Address: "", Port: 8080 } }]
      const fetch = () => Promise.resolve(Response.json(found))
      const forge = yield* call(() => JobForge.discover({ consul: "http://consul.example.com", fetch }))
      assert.strictEqual(forge.baseUrl, "http://10.0.0.7:8080")
    })
  )

  it.scopedLive("finds a healthy instance in Consul's catalog", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const catalog = createServer((request, response) => {
        asked.push(`${request.url} ${String(request.headers["x-consul-token"])}`)
        const instances = request.url?.includes("nobody")
          ? []
          : [{ Node: { Address: "10.0.0.7" }, Service: { Address: "", Port: 8080 } }]
        response.setHeader("content-type", "application/json").end(JSON.stringify(instances))
      })
      const port = yield* Effect.acquireRelease(
        Effect.async<number>((resume) => {
          catalog.listen(0, "127.0.0.1", () => {
            const bound = catalog.address()
            resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
          })
        }),
        () => Effect.sync(() => catalog.close())
      )
      const consul = `http://127.0.0.1:${port}`
      const forge = yield* call(() => JobForge.discover({ consul, consulToken: "t" }))
      assert.strictEqual(forge.baseUrl, "http://10.0.0.7:8080")
      assert.deepStrictEqual(asked, ["/v1/health/service/jobforge-service?passing=true t"])
      const none = yield* Effect.flip(call(() => JobForge.discover({ consul, service: "nobody" })))
      assert.strictEqual(none.message, "Consul knows no healthy instance of nobody")
    })
  )
})
