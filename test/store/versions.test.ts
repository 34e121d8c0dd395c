import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, Layer, Logger, Option, Predicate, Schema } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Status } from "../../src/domain/Status.ts"
import { summarize } from "../../src/domain/summarize.ts"
import { diagnose } from "../../src/diagnosis/diagnose.ts"
import { statusView } from "../../src/server/statusView.ts"
import { packJob, unpackJob } from "../../src/store/ArchivedJob.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { Requests } from "../../src/store/Requests.ts"
import { isNewerStatus, statusValue } from "../../src/store/statusValue.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { tested, valid, World } from "../support/world.ts"

/** With every optional field that a run can have, apart from those of its end. */
const rich = ((): Status => {
  const world = new World()
  world.record = valid(tested)
  world.settle()
  world.succeedAll()
  const { status } = world
  if (status === undefined) throw new Error("there is no status")
  const since = status.updated_at
  return {
    ...status,
    hindered: { reason: "NomadUnavailable", message: "no answer", since },
    attempts: status.attempts.map((attempt) => ({
      ...attempt,
      node_id: "5cbb3a8c-9a7f-4c1e-8f7f-1d4f6f1f9a10",
      ...(attempt.outcome === undefined
        ? {}
        : { outcome: { ...attempt.outcome, usage: { cpu: 12, memory: 34, disk: 56 } } })
    }))
  }
})()

const encode = Schema.encodeSync(Status)

/** What versions before these fields wrote. */
const without = (value: unknown, names: ReadonlyArray<string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => without(item, names))
  if (!Predicate.isRecord(value)) return value
  const members = Object.entries(value).filter(([name]) => !names.includes(name))
  return Object.fromEntries(members.map(([name, member]) => [name, without(member, names)]))
}

/** What a version after this one might write: a field that is unknown here, in every object. */
const withMore = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withMore)
  if (!Predicate.isRecord(value)) return value
  const members = Object.entries(value).map(([name, member]) => [name, free.has(name) ? member : withMore(member)])
  return { ...Object.fromEntries(members), of_a_later_version: { some: ["thing"] } }
}

/** Names in them are the user's: none of them is a field. */
const free: ReadonlySet<string> = new Set(["env", "config"])

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

const keys = keysBelow("jobforge-service")

/** What is said of requests that are left to a newer version. */
const told: Array<string> = []
const hearing = Logger.add(
  Logger.make(({ annotations }) => {
    told.push(
      ["request", "verb", "known"]
        .map((name) => String(Option.getOrUndefined(HashMap.get(annotations, name))))
        .join(" ")
    )
  })
)

const requests = Layer.provideMerge(Requests.layer(keys), embeddedConsul).pipe(Layer.provideMerge(hearing))

describe("two versions of the service over one store", () => {
  it("read a status that an earlier one wrote, without what it didn't know", () => {
    const earlier = without(encode(rich), ["node_id", "usage", "hindered", "waiting_since", "stopping_at", "slots"])
    const read = Option.getOrThrow(statusValue.decode(bytesOf(earlier)))
    const { hindered: _hindered, ...expected } = rich
    assert.deepStrictEqual(read, {
      ...expected,
      slots: [],
      attempts: expected.attempts.map(({ node_id: _node, outcome, ...attempt }) => {
        if (outcome === undefined) return attempt
        const { usage: _usage, ...rest } = outcome
        return { ...attempt, outcome: rest }
      })
    })
  })

  it("read a status that a later one wrote as if it had no more than they know", () => {
    const read = statusValue.decode(bytesOf(withMore(encode(rich))))
    assert.deepStrictEqual(Option.getOrThrow(read), rich)
  })

  it("keep each word that only tells something, and show and write it as it was", () => {
    const { attempts, ...rest } = encode(rich)
    const [first, ...others] = attempts
    const ended = attempts.find(({ outcome }) => outcome !== undefined)?.outcome
    assert.isDefined(ended)
    const later = {
      ...rest,
      status: "FAILED",
      reason: "SignatureRefused",
      stopping: { reason: "BudgetSpent", message: "enough" },
      hindered: { ...rest.hindered, reason: "NomadSleeps" },
      waiting: { reason: "WaitingForKey", message: "soon", position: 1, slots: [], since: rest.updated_at },
      conditions: [...rest.conditions, { ...rest.conditions[0], type: "Signed", status: "Perhaps" }],
      attempts: [
        {
          ...first,
          stop: { reason: "BudgetSpent", message: "enough", at: rest.updated_at },
          outcome: {
            ...ended,
            result: "failed",
            reason: "SignatureRefused",
            message: "no",
            infrastructure: false,
            logs: "elsewhere"
          }
        },
        ...others
      ]
    }
    const read = Option.getOrThrow(statusValue.decode(bytesOf(later)))
    assert.deepStrictEqual<unknown>(encode(read), later)
    assert.strictEqual(statusView({ status: read, index: 1, archived: false }).reason, "SignatureRefused")
    assert.include(diagnose(read).summary, "SignatureRefused")
    const known = summarize(read, read.conditions, read.updated_at).conditions.map(({ type }) => String(type))
    assert.deepStrictEqual(known, ["Valid", "Reconciling", "Succeeded", "Signed"])
    const next = summarize({ ...read, generation: read.generation + 1 }, read.conditions, read.updated_at)
    assert.lengthOf(next.conditions, 3)
  })

  it.each<readonly [string, object]>([
    ["status", { status: "SIGNING" }],
    ["phase", { phase: "sign" }],
    ["result", { attempts: [{ ...encode(rich).attempts[0], outcome: { result: "skipped" } }] }]
  ])("don't take a status for theirs whose %s tells what is to be done next", (_, change) => {
    const later = bytesOf({ ...encode(rich), ...change })
    assert.isTrue(Option.isNone(statusValue.decode(later)))
    assert.isTrue(isNewerStatus(later))
    assert.isFalse(isNewerStatus(bytesOf({ status: "SIGNING" })))
  })

  it.effect("read an archived job that a later one wrote", () =>
    Effect.gen(function* () {
      const job = { name: rich.name, archived_at: 0, status: rich, of_a_later_version: true }
      const read = yield* unpackJob(yield* packJob(job))
      assert.deepStrictEqual(Option.getOrThrow(read).status, rich)
    })
  )

  it.scopedLive("leave a request that only the later one understands, and throw away what nobody does", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const { about } = yield* Requests
      yield* consul.put(keys.request("later"), '{"verb":"promote","job_id":"x","to":"production"}')
      yield* eventually(
        "it is named in the log",
        Effect.sync(() => told.includes("later promote kill, retry, cleanup, purge, collect"))
      )
      yield* consul.put(keys.request("garbage"), "{")
      yield* consul.put(keys.request("damaged"), '{"verb":"kill"}')
      yield* consul.put(keys.request("kill"), '{"verb":"kill","job_id":"y","by":"somebody"}')
      yield* eventually(
        "the request is known",
        Effect.sync(() => about("y").length === 1)
      )
      const names = Effect.map(consul.keys(keys.requests), ({ value }) => value.join(" "))
      const expected = `${keys.requests}kill ${keys.requests}later`
      yield* eventually(
        "what nobody understands is gone",
        Effect.map(names, (found) => found === expected)
      )
      // It is looked at with every change, and stays.
      yield* consul.put(keys.request("more"), "{")
      yield* eventually(
        "that one is gone, too",
        Effect.map(names, (found) => found === expected)
      )
      assert.deepStrictEqual(about("y"), [{ id: "kill", verb: "kill", jobId: "y" }])
    }).pipe(Effect.provide(requests))
  )
})
