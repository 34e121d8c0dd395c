import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { maxValueBytes } from "../../src/consul/Kv.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import { cleanupSpec } from "../../src/jobspec/cleanupSpec.ts"
import { publishSpec } from "../../src/jobspec/publishSpec.ts"
import { testSpec } from "../../src/jobspec/testSpec.ts"
import { makeRecordTable } from "../../src/store/RecordTable.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { digest, finals, phaseInput, source, temporary } from "../jobspec/phaseInputs.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { World } from "../support/world.ts"
import { keys } from "./support/Stage.ts"

const stores = Layer.mergeAll(Statuses.layer(keys), LogArchive.layer(keys)).pipe(Layer.provideMerge(embeddedConsul))

describe("what is stored", () => {
  it.live("Z8: a status is not written over one that the writer hasn't seen", () =>
    Effect.gen(function* () {
      const statuses = yield* Statuses
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}app`, "{}")
      const recordIndex = Option.getOrThrow(yield* consul.get(`${keys.jobs}app`)).modifyIndex
      const world = new World()
      world.settle()
      const { status } = world
      if (status === undefined) return assert.fail("no status")
      const guard = {
        record: { key: `${keys.jobs}app`, modifyIndex: Option.some(recordIndex) },
        modifyIndex: 0,
        fence: Option.none(),
        taken: [],
        released: [],
        handled: []
      }
      const first = yield* statuses.write(status, guard)
      yield* statuses.write({ ...status, status: "SUCCEEDED" }, { ...guard, modifyIndex: first })
      for (const stale of [0, first]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(statuses.write(status, { ...guard, modifyIndex: stale }))))
      }
      const stored = yield* statuses.get("app")
      assert.strictEqual(Option.getOrThrow(stored.status).status, "SUCCEEDED")
    }).pipe(Effect.provide(stores))
  )

  it("Z8: of two keys with one name the older one stays the record, whatever order they are read in", () => {
    const entry = (key: string, createIndex: number) => ({
      key: `${keys.jobs}${key}`,
      value: new TextEncoder().encode(JSON.stringify({ owner: key })),
      createIndex,
      modifyIndex: createIndex,
      lockIndex: 0,
      flags: 0
    })
    const winners = [
      [entry("web", 1), entry("web.json", 2)],
      [entry("web.json", 2), entry("web", 1)]
    ].map((entries) => {
      const table = makeRecordTable(keys.jobs)
      for (const one of entries) table.put(one)
      return Option.getOrThrow(table.get("web")).key
    })
    assert.deepStrictEqual(winners, [`${keys.jobs}web`, `${keys.jobs}web`])
  })

  it.live("Z27: a log larger than a value of the store is kept beside the status, and stays whole", () =>
    Effect.gen(function* () {
      const archive = yield* LogArchive
      const consul = yield* Consul
      // Doesn't compress, so that it needs more than one value.
      const content = new TextEncoder().encode(randomBytes(1_200_000).toString("base64"))
      yield* archive.write("big", "build-1", "stdout", { kept: content, bytes: content.length, truncated: false })
      assert.deepStrictEqual(Buffer.from(yield* archive.read("big", "build-1", "stdout")), Buffer.from(content))
      const { value: pieces } = yield* consul.list("jobforge-service/logs/big/")
      assert.isAbove(pieces.length, 1)
      for (const { value } of pieces) assert.isAtMost(value.length, maxValueBytes)
      assert.deepStrictEqual((yield* consul.keys(keys.statuses)).value, [])
    }).pipe(Effect.provide(stores))
  )
})

describe("what is registered", () => {
  const input = phaseInput()
  const specs = {
    "a build": buildSpec(input, { kind: "temporary", image: temporary }),
    "a build without tests": buildSpec(input, { kind: "final", images: finals }),
    "a test": testSpec(input, { kind: "command", index: 0, command: "true" }, source),
    "a publish": publishSpec(input, source, digest, finals),
    "a cleanup": cleanupSpec(input, temporary)
  }

  it.each(Object.entries(specs))(
    "Z29: %s is not privileged and mounts nothing of the host's but its cache",
    (_, spec) => {
      const text = JSON.stringify(spec)
      for (const forbidden of ['"privileged"', "SYS_ADMIN", "sys_admin", "userns_mode", "/var/lib/containers"]) {
        assert.notInclude(text, forbidden)
      }
      const [group] = spec.TaskGroups
      const sources = Object.values(group.Volumes ?? {}).map(({ Source }) => Source)
      const phase = spec.Meta["phase"]
      assert.deepStrictEqual(sources, phase === "build" ? [input.settings.cacheVolume.name] : [])
      const [task] = group.Tasks
      assert.notProperty(task.Config, "volumes")
      assert.notProperty(task.Config, "mounts")
      if (phase !== "test") assert.deepStrictEqual(task.Config.cap_drop, ["all"])
    }
  )

  it("Z29: projects share no layer cache", () => {
    const cacheKey = (job: object) =>
      buildSpec(phaseInput({ job }), { kind: "temporary", image: temporary }).TaskGroups[0].Tasks[0].Env?.[
        "JOBFORGE_CACHE_KEY"
      ]
    const keysOfAll = [
      {},
      { owner: "eve" },
      { repo_url: "https://git.example.com/eve/engine.git" },
      { image_name: "eve/engine" },
      { registry_url: "other.example.com" }
    ].map(cacheKey)
    assert.notInclude(keysOfAll, undefined)
    assert.lengthOf(new Set(keysOfAll), keysOfAll.length)
    assert.strictEqual(cacheKey({ git_ref: "other" }), cacheKey({}))
  })
})
