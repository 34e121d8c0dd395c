import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { makeOrphanCollector } from "../../src/controller/Orphans.ts"
import { resolveJob } from "../../src/domain/resolve.ts"
import type { Attempt, Outcome, Status } from "../../src/domain/Status.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import * as NomadHttp from "../../src/nomad/NomadHttp.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { readSettings } from "../../src/store/Settings.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { scriptJob, startAgent } from "../embedded/nomad/agent.ts"
import { scripted } from "../embedded/nomad/scriptedDriver.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { plainNomad } from "../support/nomadClient.ts"
import { desired, minimal, World } from "../support/world.ts"

const keys = keysBelow("jobforge-service")
const installation = "lab"
const { settings } = readSettings({ NOMAD_DATACENTERS: "dc1", VAULT_ENABLED: "false" }, {})

/** Tasks run until they are told to stop, except those named `brief`. */
const agent = Layer.unwrapScoped(
  Effect.map(startAgent(scripted({ "": {}, forever: {}, brief: { runsMs: 0 } })), ({ address }) =>
    NomadHttp.layerOf(plainNomad(address))
  )
)

const tester = Layer.mergeAll(agent, Layer.provideMerge(Statuses.layer(keys), embeddedConsul))

const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`

interface Registered {
  readonly record: string
  readonly owner?: string
  readonly script?: string
  readonly image?: string
}

/** Registers a job that says whose it is, and waits until its task runs or has ended. */
const register = Effect.fnUntraced(function* (id: string, { image, owner, record, script }: Registered) {
  const nomad = yield* Nomad
  const Meta = {
    "jobforge-installation": owner ?? installation,
    "jobforge-record": record,
    "jobforge-generation": "1",
    ...(image === undefined ? {} : { "jobforge-temporary-image": image })
  }
  const job = { ...scriptJob(id, script ?? "forever").Job, Meta }
  yield* nomad.register(job)
  yield* eventually(
    `${id} was placed`,
    Effect.map(nomad.allocations(id), (rows) => rows.some(({ ClientStatus }) => ClientStatus !== "pending"))
  )
})

const attempt = (id: string, outcome?: Outcome): Attempt => ({
  nomad_job_id: id,
  phase: "build",
  attempt: 1,
  intended_at: 0,
  seen: true,
  ...(outcome === undefined ? {} : { outcome })
})

const lost: Outcome = {
  result: "failed",
  reason: "ChildLost",
  message: "its node is gone",
  infrastructure: true,
  logs: "none",
  log_bytes: 0,
  log_truncated: false,
  at: 0
}

const running = (name: string, jobId: string, attempts: ReadonlyArray<Attempt>): Status => {
  const world = new World()
  world.pass()
  if (world.status === undefined) throw new Error("no run began")
  return { ...world.status, name, job_id: jobId, attempts }
}

const over = (name: string, jobId: string, attempts: ReadonlyArray<Attempt>): Status => ({
  ...running(name, jobId, attempts),
  status: "FAILED"
})

const write = Effect.fnUntraced(function* (status: Status) {
  const statuses = yield* Statuses
  const record = { key: `${keys.jobs}${status.name}`, modifyIndex: Option.none<number>() }
  const fence = Option.none()
  yield* statuses.write(status, { record, modifyIndex: 0, fence, taken: [], released: [], handled: [] })
})

const collector = (isOwned: (id: string) => boolean = () => false) =>
  makeOrphanCollector({ installation, keys, settings: Effect.succeed(settings), isOwned })

const sweep = Effect.flatMap(collector(), (orphans) => orphans.sweep())

const stopped = (id: string) =>
  Effect.gen(function* () {
    const nomad = yield* Nomad
    return Option.getOrThrow(yield* nomad.job(id)).Stop
  })

const none = { stopped: [], cleaning: [], failed: 0 }

describe("what runs without an owner", () => {
  it.live("is stopped: of a dead run, of another run than the present one, and what has its outcome", () =>
    Effect.gen(function* () {
      yield* register(`build-${uuid(1)}-1`, { record: "gone" })
      yield* register(`test-cmd-${uuid(2)}-0-1`, { record: "replaced" })
      yield* write(running("replaced", uuid(3), []))
      yield* register(`publish-${uuid(4)}-1`, { record: "came/back" })
      yield* write(running("came/back", uuid(4), [attempt(`publish-${uuid(4)}-1`, lost)]))
      yield* register(`test-entry-${uuid(5)}-7`, { record: "unknown" })
      yield* write(running("unknown", uuid(5), [attempt(`test-entry-${uuid(5)}-1`)]))
      const orphans = [
        `build-${uuid(1)}-1`,
        `test-cmd-${uuid(2)}-0-1`,
        `publish-${uuid(4)}-1`,
        `test-entry-${uuid(5)}-7`
      ]
      assert.sameMembers([...(yield* sweep).stopped], orphans)
      for (const id of orphans) assert.isTrue(yield* stopped(id))
      assert.deepStrictEqual(yield* sweep, none)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is left alone when it is somebody else's, or only looks like a child", () =>
    Effect.gen(function* () {
      yield* register(`build-${uuid(1)}-1`, { record: "gone", owner: "another" })
      yield* register("build-of-somebody", { record: "gone" })
      yield* register(`publish-${uuid(2)}`, { record: "gone" })
      assert.deepStrictEqual(yield* sweep, none)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is not what an attempt under way claims, nor what a pass may still claim", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* register(`build-${uuid(1)}-1`, { record: "web" })
      yield* write(running("web", uuid(1), [attempt(`build-${uuid(1)}-1`)]))
      // Somebody deleted its status: the next pass makes a new one, with the same children.
      yield* register(`build-${uuid(2)}-1`, { record: "app" })
      yield* consul.put(`${keys.jobs}app.yaml`, JSON.stringify(minimal))
      yield* register(`build-${uuid(3)}-1`, { record: "damaged" })
      yield* consul.put(keys.status("damaged"), "garbage")
      assert.deepStrictEqual(yield* sweep, none)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is not judged by a status that was read before the list, however slow the list", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const id = `build-${uuid(1)}-1`
      // The pass of a leader: its status is written, then its child registered, while the collector asks for the list.
      const slow: Nomad["Type"] = {
        ...nomad,
        jobs: (prefix) =>
          prefix === "build-"
            ? write(running("web", uuid(1), [attempt(id)])).pipe(
                Effect.provide(context),
                Effect.zipRight(Effect.provideService(register(id, { record: "web" }), Nomad, nomad)),
                Effect.orDie,
                Effect.zipRight(nomad.jobs(prefix))
              )
            : nomad.jobs(prefix)
      }
      const context = yield* Effect.context<Statuses>()
      assert.deepStrictEqual(yield* Effect.provideService(sweep, Nomad, slow), none)
      assert.isFalse(yield* stopped(id))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is left for the next time when its owner can't be asked for", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* register(`build-${uuid(1)}-1`, { record: "dark" })
      yield* register(`build-${uuid(2)}-1`, { record: "gone" })
      const blind: Consul["Type"] = {
        ...consul,
        get: (key, options) =>
          key.endsWith("dark")
            ? Effect.fail(new Unavailable({ system: "consul", operation: key, detail: "no leader" }))
            : consul.get(key, options)
      }
      const swept = yield* Effect.provideService(sweep, Consul, blind)
      assert.deepStrictEqual(swept, { stopped: [`build-${uuid(2)}-1`], cleaning: [], failed: 1 })
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is found by the Meta of the single job where lists have none", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      let asked = 0
      yield* register(`build-${uuid(1)}-1`, { record: "gone" })
      yield* register(`build-${uuid(2)}-1`, { record: "gone", owner: "another" })
      const old: Nomad["Type"] = {
        ...nomad,
        jobs: (prefix) =>
          Effect.map(nomad.jobs(prefix), (list) => ({
            ...list,
            value: list.value.map((stub) => ({ ...stub, Meta: {} }))
          })),
        job: (id) => {
          asked += 1
          return nomad.job(id)
        }
      }
      const orphans = yield* collector()
      const swept = yield* Effect.provideService(orphans.sweep(), Nomad, old)
      assert.deepStrictEqual(swept, { ...none, stopped: [`build-${uuid(1)}-1`] })
      asked = 0
      yield* Effect.provideService(orphans.sweep(), Nomad, old)
      assert.strictEqual(asked, 0)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is collected without being asked for, at the start and when the collector is woken", () =>
    Effect.gen(function* () {
      const orphans = yield* collector()
      yield* register(`build-${uuid(1)}-1`, { record: "gone" })
      const fiber = yield* Effect.fork(orphans.run(Effect.as(orphans.sweep(), "done" as const)))
      yield* eventually("the first one is stopped", stopped(`build-${uuid(1)}-1`))
      yield* register(`build-${uuid(2)}-1`, { record: "gone" })
      yield* orphans.wake
      yield* eventually("the second one is stopped", stopped(`build-${uuid(2)}-1`))
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})

describe("the temporary image of a dead run", () => {
  const image = `registry.example.com/temp/${uuid(1)}:latest`
  const build = `build-${uuid(1)}-1`

  const ended = (id: string) =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      yield* eventually(
        `${id} has ended`,
        Effect.map(nomad.allocations(id), (rows) => rows.every(({ ClientStatus }) => ClientStatus === "complete"))
      )
    })

  it.live("is removed once, when its build has ended", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      yield* register(build, { record: "gone", image })
      assert.deepStrictEqual(yield* sweep, { ...none, stopped: [build] })
      yield* ended(build)
      assert.deepStrictEqual(yield* sweep, { ...none, cleaning: [`cleanup-${uuid(1)}-1`] })
      const cleanup = Option.getOrThrow(yield* nomad.job(`cleanup-${uuid(1)}-1`))
      assert.deepInclude(cleanup.Meta, { phase: "cleanup", "jobforge-installation": installation })
      // It has no owner, and is not stopped for that.
      assert.deepStrictEqual(yield* sweep, none)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is removed again when its build came back after the run had cleaned up", () =>
    Effect.gen(function* () {
      yield* register(build, { record: "web", image, script: "brief" })
      yield* ended(build)
      yield* register(`cleanup-${uuid(1)}-1`, { record: "web", script: "brief" })
      yield* ended(`cleanup-${uuid(1)}-1`)
      yield* write(over("web", uuid(1), [attempt(build, lost)]))
      assert.deepStrictEqual(yield* sweep, none)
      yield* register(build, { record: "web", image, script: "forever" })
      yield* eventually(
        "it runs again",
        Effect.flatMap(Nomad, (nomad) =>
          Effect.map(nomad.allocations(build), (rows) => rows.some(({ ClientStatus }) => ClientStatus === "running"))
        )
      )
      assert.deepStrictEqual(yield* sweep, { ...none, stopped: [build] })
      yield* ended(build)
      assert.deepStrictEqual(yield* sweep, { ...none, cleaning: [`cleanup-${uuid(1)}-2`] })
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("is left to a run that is still under way", () =>
    Effect.gen(function* () {
      yield* register(build, { record: "web", image, script: "brief" })
      yield* ended(build)
      const succeeded: Outcome = {
        result: "succeeded",
        exit_code: 0,
        logs: "none",
        log_bytes: 0,
        log_truncated: false,
        at: 0
      }
      yield* write(running("web", uuid(1), [attempt(build, succeeded), attempt(`test-entry-${uuid(1)}-1`)]))
      assert.deepStrictEqual(yield* sweep, none)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("waits until each build of the run has ended", () =>
    Effect.gen(function* () {
      yield* register(build, { record: "gone", image, script: "brief" })
      yield* ended(build)
      yield* register(`build-${uuid(1)}-2`, { record: "gone", image })
      assert.deepStrictEqual(yield* sweep, { ...none, stopped: [`build-${uuid(1)}-2`] })
      yield* ended(`build-${uuid(1)}-2`)
      assert.deepStrictEqual(yield* sweep, { ...none, cleaning: [`cleanup-${uuid(1)}-1`] })
      assert.deepStrictEqual(yield* sweep, none)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it("is named in the Meta of its build, with the login to its registry", () => {
    const job = resolveJob(desired({ registry_credentials_path: "secret/data/registry" }).job, settings.policy.defaults)
    const spec = (image: string, kind: "temporary" | "final") =>
      buildSpec(
        {
          installation,
          record: "web",
          generation: 1,
          jobId: uuid(1),
          attempt: 1,
          nomadId: build,
          job,
          settings: settings.spec
        },
        kind === "temporary" ? { kind, image } : { kind, images: [image] }
      )
    const sameHost = "registry.example.com:5000/temp/a:latest"
    assert.deepInclude(spec(sameHost, "temporary").Meta, {
      "jobforge-temporary-image": sameHost,
      "jobforge-registry-credentials": "secret/data/registry"
    })
    assert.notProperty(spec(image, "temporary").Meta, "jobforge-registry-credentials")
    assert.notProperty(spec(image, "final").Meta, "jobforge-temporary-image")
  })
})
