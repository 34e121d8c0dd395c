import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { runController } from "../../src/controller/Controller.ts"
import { type TaskContext, TaskDriver } from "../../src/embedded/nomad/TaskDriver.ts"
import { Exposition } from "../../src/metrics/Exposition.ts"
import { LeaderLock } from "../../src/leader/LeaderLock.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import * as NomadHttp from "../../src/nomad/NomadHttp.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings } from "../../src/store/LiveSettings.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { LogRetention } from "../../src/store/LogRetention.ts"
import { Redaction } from "../../src/store/Redaction.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { Records } from "../../src/store/Records.ts"
import { Requests } from "../../src/store/Requests.ts"
import { Statuses, type StoredStatus } from "../../src/store/Statuses.ts"
import { statusValue } from "../../src/store/statusValue.ts"
import { scriptJob, startAgent } from "../embedded/nomad/agent.ts"
import { scripted } from "../embedded/nomad/scriptedDriver.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { parseExposition } from "../metrics/parseExposition.ts"
import { eventually } from "../support/eventually.ts"
import { plainNomad } from "../support/nomadClient.ts"
import { digest, minimal } from "../support/world.ts"

const keys = keysBelow("jobforge-service")
const installation = "lab"
const id = "00000000-0000-4000-8000-000000000001"

/** Every step of ours says something, reports a digest and ends well; a script named `forever` runs on. */
const steps = scripted({ forever: {}, "": { runsMs: 0, stdout: "working\n" } })

const reporting = (driver: TaskDriver["Type"]): TaskDriver["Type"] => ({
  ...driver,
  start: (context: TaskContext) =>
    Effect.zipRight(
      Effect.sync(() =>
        writeFileSync(
          join(context.folders.alloc, "result.json"),
          JSON.stringify({ images: ["registry.example.com/app"], digest, commit: "c".repeat(40) })
        )
      ),
      driver.start(context)
    )
})

const agent = Layer.unwrapScoped(
  Effect.map(
    startAgent(
      {
        ...steps,
        layer: Layer.effect(TaskDriver, Effect.map(TaskDriver, reporting)).pipe(Layer.provide(steps.layer))
      },
      { hostVolumes: { "buildah-cache": "/tmp" } }
    ),
    ({ address }) => NomadHttp.layerOf(plainNomad(address))
  )
)

const stores = Redaction.layer(keys, []).pipe(
  Layer.provide(VaultHttp.disabled),
  Layer.provideMerge(
    Layer.mergeAll(
      LiveSettings.layer(keys, { NOMAD_DATACENTERS: "dc1", VAULT_ENABLED: "false" }, () => {}),
      Records.layer(keys),
      Requests.layer(keys),
      Statuses.layer(keys),
      LogArchive.layer(keys),
      LogRetention.layer(keys),
      JobArchive.layer(keys)
    )
  )
)

const tester = Layer.mergeAll(agent, LeaderLock.layerAlone, Layer.provideMerge(stores, embeddedConsul))

const controlled = <E>(body: Effect.Effect<void, E, Layer.Layer.Success<typeof tester>>) =>
  Effect.raceFirst(runController({ installation, keys }), body).pipe(Effect.provide(tester), Effect.scoped)

const put = (key: string, value: object) => Effect.flatMap(Consul, (consul) => consul.put(key, JSON.stringify(value)))

const isMissing = (key: string) =>
  Effect.flatMap(Consul, (consul) => Effect.map(consul.get(key, { consistent: true }), Option.isNone))

const archivedGeneration = Effect.flatMap(JobArchive, (archive) =>
  Effect.map(archive.get(id), (found) =>
    Option.match(found, { onNone: () => 0, onSome: ({ status }) => status.generation })
  )
)

describe("a job that came over HTTP", () => {
  it.live("is archived when it is over, and comes back for a request that it is retried", () =>
    controlled(
      Effect.gen(function* () {
        const archive = yield* JobArchive
        const logs = yield* LogArchive
        yield* put(`${keys.jobs}${id}`, minimal)
        yield* eventually(
          "it is archived",
          Effect.map(archivedGeneration, (generation) => generation === 1)
        )
        assert.isTrue(yield* isMissing(`${keys.jobs}${id}`))
        assert.isTrue(yield* isMissing(keys.status(id)))
        const { status } = Option.getOrThrow(yield* archive.get(id))
        assert.deepInclude(status, { status: "SUCCEEDED", digest, job_id: id })
        assert.strictEqual(new TextDecoder().decode(yield* logs.read(id, `build-${id}-1`, "stdout")), "working\n")

        yield* put(keys.request("r1"), { verb: "retry", job_id: id })
        yield* eventually(
          "it is archived again",
          Effect.map(archivedGeneration, (generation) => generation === 2)
        )
        assert.isTrue(yield* isMissing(keys.request("r1")))
        assert.isTrue(yield* isMissing(keys.status(id)))
        const again = Option.getOrThrow(yield* archive.get(id))
        assert.strictEqual(again.status.status, "SUCCEEDED")
        assert.notStrictEqual(again.status.job_id, id)
        assert.deepStrictEqual(yield* archive.get(again.status.job_id ?? ""), Option.some(again))
      })
    )
  )
})

describe("a record that somebody keeps", () => {
  it.live("keeps its status when its run is over", () =>
    controlled(
      Effect.gen(function* () {
        const archive = yield* JobArchive
        const statuses = yield* Statuses
        yield* put(`${keys.jobs}team/web.yaml`, minimal)
        yield* eventually(
          "it is published",
          Effect.map(statuses.get("team/web"), ({ status }) =>
            Option.exists(status, (found) => found.status === "SUCCEEDED")
          )
        )
        yield* put(`${keys.jobs}${id}`, minimal)
        yield* eventually(
          "another one is archived",
          Effect.map(archivedGeneration, (generation) => generation === 1)
        )
        assert.isFalse(yield* isMissing(`${keys.jobs}team/web.yaml`))
        assert.isFalse(yield* isMissing(keys.status("team/web")))
        assert.strictEqual((yield* archive.list({ offset: 0, limit: 9 })).total, 1)
      })
    )
  )
})

describe("a status that moves to the archive while all of them are read", () => {
  const kept = "team/web.yaml"
  const other = "00000000-0000-4000-8000-000000000002"

  /** The second time it hands over what it has read only once that is of the past. */
  const slowly = (statuses: Statuses["Type"], meanwhile: Effect.Effect<void>): Statuses["Type"] => {
    let times = 0
    return {
      ...statuses,
      each: (take) =>
        Effect.suspend(() => {
          times += 1
          if (times !== 2) return statuses.each(take)
          const read: Array<StoredStatus> = []
          return Effect.zipRight(
            statuses.each((stored) => Effect.sync(() => void read.push(stored))),
            Effect.zipRight(meanwhile, Effect.forEach(read, take, { discard: true }))
          )
        })
    }
  }

  it.live("counts once", () =>
    Effect.gen(function* () {
      const statuses = yield* Statuses
      const consul = yield* Consul
      const archived = (name: string) => isMissing(keys.status(name))
      const finished = Effect.map(statuses.get("team/web"), ({ status }) =>
        Option.filter(status, (found) => found.status === "SUCCEEDED")
      )
      yield* put(`${keys.jobs}${kept}`, minimal)
      yield* Effect.raceFirst(
        runController({ installation, keys }),
        eventually("it is published", Effect.map(finished, Option.isSome))
      )
      // A leader ended before it had moved this one.
      yield* consul.put(keys.status(id), statusValue.encode({ ...Option.getOrThrow(yield* finished), name: id }))
      yield* put(`${keys.jobs}${id}`, minimal)

      const meanwhile = put(`${keys.jobs}${id}`, minimal).pipe(
        Effect.zipRight(eventually("it is archived", archived(id))),
        Effect.orDie,
        Effect.provideService(Consul, consul)
      )
      yield* Effect.raceFirst(
        Effect.provideService(runController({ installation, keys }), Statuses, slowly(statuses, meanwhile)),
        Effect.gen(function* () {
          yield* eventually("it is archived", archived(id))
          yield* put(`${keys.jobs}${other}`, minimal)
          yield* eventually(
            "another one has begun",
            Effect.map(archived(other), (missing) => !missing)
          )
          yield* eventually("another one is archived", archived(other))
        })
      )
      const { render } = yield* Exposition
      const { samples = [] } = parseExposition(yield* render("prometheus"), "prometheus").get("total_jobs") ?? {}
      const succeeded = samples.filter(({ labels }) => labels["status"] === "succeeded")
      // The one that was kept, and the other one.
      assert.strictEqual(
        succeeded.reduce((sum, { value }) => sum + value, 0),
        2
      )
    }).pipe(Effect.provide(Layer.provideMerge(tester, Exposition.layer({ owners: 5, process: false }))), Effect.scoped)
  )
})

describe("what runs without an owner", () => {
  it.live("is stopped by whoever leads", () =>
    Effect.gen(function* () {
      const nomad = yield* Nomad
      const job = {
        ...scriptJob(`publish-${id}-1`, "forever").Job,
        Meta: { "jobforge-installation": installation, "jobforge-record": id }
      }
      yield* nomad.register(job)
      yield* Effect.raceFirst(
        runController({ installation, keys }),
        eventually(
          "it is stopped",
          Effect.map(
            nomad.job(job.ID),
            Option.exists(({ Stop }) => Stop)
          )
        )
      )
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})
