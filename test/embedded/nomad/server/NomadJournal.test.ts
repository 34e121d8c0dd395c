import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap } from "effect"
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { NomadEngine } from "../../../../src/embedded/nomad/server/NomadEngine.ts"
import { NomadJournal, StoredNomadError } from "../../../../src/embedded/nomad/server/NomadJournal.ts"
import { scratchFolder } from "../agent.ts"
import { batchJob, node } from "../machine/simulation.ts"

const written = (folder: string, jobs: number): NomadEngine => {
  const { state, journal } = NomadJournal.open(folder)
  const engine = new NomadEngine(state, journal)
  engine.execute({ _tag: "UpsertNode", node: node("a", { Cpu: 1e9, MemoryMB: 1e9, DiskMB: 1e9 }) })
  for (let index = 0; index < jobs; index += 1) {
    engine.execute({ _tag: "Register", job: batchJob(`job-${index}`) })
    engine.execute({ _tag: "Deregister", jobId: `job-${index}`, purge: index % 2 === 0 })
  }
  engine.close()
  journal.close()
  return engine
}

const reopened = (folder: string) => {
  const { state, journal } = NomadJournal.open(folder)
  journal.close()
  return state
}

/** A journal that begins to be written anew. */
const compacting = (folder: string) => {
  const { state, journal } = NomadJournal.open(folder)
  const engine = new NomadEngine(state, journal)
  engine.execute({ _tag: "UpsertNode", node: node("a", { Cpu: 1e9, MemoryMB: 1e9, DiskMB: 1e9 }) })
  for (let index = 0; index < 400; index++) engine.execute({ _tag: "Register", job: batchJob(`job-${index}`) })
  const path = join(folder, "journal.jsonl")
  const host = node("a")
  const change = { table: "node", key: host.ID, value: null } as const
  const twice = 2 * statSync(path).size
  while (statSync(path).size <= twice) {
    journal.append({ index: engine.state.index, tables: engine.state.tableIndex, changes: [change] })
  }
  return { engine, journal, compacted: journal.compactIfLarge(engine.state, 0) }
}

describe("the journal", () => {
  it.scoped("gives the state back, but for the events that real Nomad forgets too", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const { state } = written(folder, 5)
      const back = reopened(folder)
      assert.strictEqual(back.index, state.index)
      assert.deepStrictEqual(back.tableIndex, state.tableIndex)
      for (const table of ["jobs", "versions", "allocations", "evaluations", "nodes"] as const) {
        assert.deepStrictEqual(
          Object.fromEntries(HashMap.toEntries<string, unknown>(back[table])),
          Object.fromEntries(HashMap.toEntries<string, unknown>(state[table]))
        )
      }
      assert.lengthOf(back.events, 0)
    })
  )

  it.scoped("begins anew with the state when it has grown, and stays readable", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const { state } = written(folder, 20)
      const path = join(folder, "journal.jsonl")
      const { journal } = NomadJournal.open(folder)
      const before = statSync(path).size
      yield* Effect.promise(() => journal.compactIfLarge(state, 0))
      assert.strictEqual(statSync(path).size, before)
      const host = node("a")
      const change = { table: "node", key: host.ID, value: null } as const
      while (statSync(path).size <= 2 * before) {
        journal.append({ index: state.index, tables: state.tableIndex, changes: [change] })
      }
      yield* Effect.promise(() => journal.compactIfLarge(state, 0))
      assert.isBelow(statSync(path).size, before)
      journal.append({ index: state.index + 1, tables: state.tableIndex, changes: [change] })
      journal.close()
      const back = reopened(folder)
      assert.deepStrictEqual([...HashMap.keys(back.jobs)].toSorted(), [...HashMap.keys(state.jobs)].toSorted())
      assert.strictEqual(back.index, state.index + 1)
      assert.strictEqual(HashMap.size(back.nodes), 0)
    })
  )

  it.scoped("is written anew while the servers go on, and misses nothing of that", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const { engine, journal, compacted } = compacting(folder)
      engine.execute({ _tag: "Register", job: batchJob("meanwhile") })
      engine.execute({ _tag: "Deregister", jobId: "job-1", purge: true })
      assert.isTrue(existsSync(join(folder, "journal.jsonl.tmp")))
      yield* Effect.promise(() => compacted)
      assert.isFalse(existsSync(join(folder, "journal.jsonl.tmp")))
      engine.execute({ _tag: "Register", job: batchJob("after") })
      journal.close()
      const back = reopened(folder)
      assert.strictEqual(back.index, engine.state.index)
      assert.deepStrictEqual(
        Object.fromEntries(HashMap.toEntries(back.jobs)),
        Object.fromEntries(HashMap.toEntries(engine.state.jobs))
      )
      assert.isTrue(HashMap.has(back.jobs, "meanwhile"))
      assert.isFalse(HashMap.has(back.jobs, "job-1"))
    })
  )

  it.scoped("stays as it is when it is closed while it is written anew, or can't be", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const first = compacting(folder)
      first.engine.execute({ _tag: "Register", job: batchJob("meanwhile") })
      first.journal.close()
      yield* Effect.promise(() => first.compacted)
      assert.deepStrictEqual(readdirSync(folder), ["journal.jsonl"])
      assert.isTrue(HashMap.has(reopened(folder).jobs, "meanwhile"))

      mkdirSync(join(folder, "journal.jsonl.tmp"))
      const second = compacting(folder)
      yield* Effect.promise(() => second.compacted)
      second.engine.execute({ _tag: "Register", job: batchJob("after") })
      second.journal.close()
      assert.isTrue(HashMap.has(reopened(folder).jobs, "after"))
    })
  )

  it.scoped("holds a job's text once, however many rows have it, and after it was opened again", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const path = join(folder, "journal.jsonl")
      const script = `echo ${"a long script ".repeat(20)}`
      const times = () => readFileSync(path, "utf8").split(script).length - 1
      const job = batchJob("long")
      const long = { ...job, TaskGroups: (job.TaskGroups ?? []).map((group) => ({ ...group, Meta: { script } })) }
      const first = NomadJournal.open(folder)
      const engine = new NomadEngine(first.state, first.journal)
      engine.execute({ _tag: "UpsertNode", node: node("a", { Cpu: 1e9, MemoryMB: 1e9, DiskMB: 1e9 }) })
      engine.execute({ _tag: "Register", job: long })
      first.journal.close()
      assert.strictEqual(times(), 1)
      const second = NomadJournal.open(folder)
      const again = new NomadEngine(second.state, second.journal)
      again.execute({ _tag: "Deregister", jobId: "long", purge: false })
      second.journal.close()
      assert.strictEqual(times(), 1)
      const back = reopened(folder)
      for (const table of ["jobs", "versions", "allocations"] as const) {
        assert.deepStrictEqual(
          Object.fromEntries(HashMap.toEntries<string, unknown>(back[table])),
          Object.fromEntries(HashMap.toEntries<string, unknown>(again.state[table]))
        )
      }
      appendFileSync(path, '{"index":9,"tables":{},"changes":[{"table":"job","key":"x","value":{"TaskGroups":77}}]}\n')
      assert.throws(() => NomadJournal.open(folder), StoredNomadError, /task groups 77 are missing/)
    })
  )

  it.scoped("drops a last line that was cut off, and goes on after it", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const { state } = written(folder, 1)
      appendFileSync(join(folder, "journal.jsonl"), '{"index": 99, "ta')
      assert.strictEqual(reopened(folder).index, state.index)
      assert.isAbove(written(folder, 1).state.index, state.index)
    })
  )

  it.scoped("names a damaged line", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      written(folder, 1)
      appendFileSync(join(folder, "journal.jsonl"), '{"index": 1}\n')
      assert.throws(() => NomadJournal.open(folder), StoredNomadError, /line \d+ is damaged/)
    })
  )
})
