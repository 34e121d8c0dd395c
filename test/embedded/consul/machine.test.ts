import { assert, it } from "@effect/vitest"
import { FastCheck as fc, HashMap } from "effect"
import { type Applied, applyCommand } from "../../../src/embedded/consul/applyCommand.ts"
import type { ConsulCommand, TxnOp } from "../../../src/embedded/consul/ConsulCommand.ts"
import {
  type CheckSpec,
  type ConsulState,
  emptyState,
  type SessionSpec
} from "../../../src/embedded/consul/ConsulState.ts"
import { dueCommands, settleDue } from "../../../src/embedded/consul/dueCommands.ts"
import { findKey, findKeys, findTree, treeIndex } from "../../../src/embedded/consul/kvQueries.ts"
import { snapshotLines, SnapshotReader } from "../../../src/embedded/consul/snapshot.ts"
import { getKey, valuesUnder } from "../../../src/embedded/consul/SortedMap.ts"

/** Drives the state with commands and time, as a server does. */
class World {
  state: ConsulState
  now = 1_000_000

  constructor() {
    this.state = applyCommand(
      emptyState,
      { _tag: "NodeRegister", id: "node-id", name: "node", address: "127.0.0.1", version: "1.8.7" },
      this.now
    ).state
  }

  apply(command: ConsulCommand): Applied {
    const applied = applyCommand(this.state, command, this.now)
    this.state = applied.state
    return applied
  }

  /** `true`, `false`, or why it was refused. */
  run(command: ConsulCommand): boolean | string {
    const { reply } = this.apply(command)
    return reply._tag === "Done" ? reply.ok : reply._tag === "Refused" ? reply.why : reply._tag
  }

  pass(ms: number): void {
    this.now += ms
    if (this.state.due > this.now) return
    for (const command of dueCommands(this.state, this.now)) this.apply(command)
    this.state = settleDue(this.state)
  }

  put(key: string, text = key): boolean | string {
    return this.run({ _tag: "KvPut", ...written(key, text) })
  }

  acquire(key: string, session: string): boolean | string {
    return this.run({ _tag: "KvAcquire", ...written(key, session), session })
  }

  session(n: number, spec: Partial<SessionSpec> = {}): string {
    const id = `${String(n).padStart(8, "0")}-0000-0000-0000-000000000000`
    const session: SessionSpec = {
      id,
      name: "",
      node: "node",
      lockDelayMs: 0,
      behavior: "release",
      ttl: "",
      ttlMs: 0,
      nodeChecks: ["serfHealth"],
      serviceChecks: null,
      olderChecks: [],
      ...spec
    }
    const made = this.run({ _tag: "SessionCreate", session })
    return made === true ? id : String(made)
  }

  get(key: string) {
    return findKey(this.state, key).value
  }
}

const base64 = (text: string) => Buffer.from(text).toString("base64")
const written = (key: string, text: string) => ({ key, value: base64(text), flags: "0" })
const op = (verb: string, key: string, more: Partial<TxnOp> = {}): TxnOp => ({
  verb,
  ...written(key, key),
  index: 0,
  session: "",
  ...more
})
const ttlCheck = (id: string, more: Partial<CheckSpec> = {}): CheckSpec => ({
  id,
  name: id,
  notes: "",
  serviceId: "",
  kind: { _tag: "Ttl", ttlMs: 2000 },
  deregisterAfterMs: 0,
  ...more
})

it("keeps the index when the same value is written again", () => {
  const world = new World()
  world.put("a", "1")
  const before = world.state
  world.put("a", "1")
  assert.strictEqual(world.state, before)
  world.run({ _tag: "KvPut", ...written("a", "1"), flags: "7" })
  assert.isAbove(world.get("a")?.modifyIndex ?? 0, before.index)
  assert.strictEqual(world.get("a")?.createIndex, before.index)
})

it("gives a prefix the index of its last change or deletion, and an empty one the store's", () => {
  const world = new World()
  world.put("a/1")
  const first = world.state.index
  world.put("b/1")
  const last = world.state.index
  assert.strictEqual(treeIndex(world.state, "a/"), first)
  assert.strictEqual(treeIndex(world.state, "zzz"), last)
  assert.strictEqual(treeIndex(world.state, ""), last)
  world.run({ _tag: "KvDelete", key: "a/1" })
  assert.strictEqual(treeIndex(world.state, "a/"), world.state.index)
  assert.strictEqual(findKey(world.state, "a/1").index, world.state.index)
  world.put("a/2")
  world.run({ _tag: "KvDeleteTree", prefix: "a/" })
  assert.strictEqual(treeIndex(world.state, "a/"), world.state.index)
  assert.strictEqual(treeIndex(world.state, "b/"), last)
})

it("forgets deletions after 15 minutes, so that the index of a prefix goes back", () => {
  const world = new World()
  world.put("a/1")
  const kept = world.state.index
  world.put("a/2")
  world.run({ _tag: "KvDelete", key: "a/2" })
  const deleted = world.state.index
  world.pass(14.9 * 60_000)
  assert.strictEqual(treeIndex(world.state, "a/"), deleted)
  world.pass(40_000)
  assert.strictEqual(treeIndex(world.state, "a/"), kept)
  assert.strictEqual(world.state.due, Number.POSITIVE_INFINITY)
})

it("folds keys at a separator", () => {
  const world = new World()
  for (const key of ["a", "a/b", "a/b/c", "a/d", "b"]) world.put(key)
  assert.deepStrictEqual(findKeys(world.state, "", "/").value, ["a", "a/", "b"])
  assert.deepStrictEqual(findKeys(world.state, "a/", "/").value, ["a/b", "a/b/", "a/d"])
  assert.deepStrictEqual(findKeys(world.state, "a/b", "").value, ["a/b", "a/b/c"])
})

it("writes and deletes by compare-and-set", () => {
  const world = new World()
  const put = (cas: number) => world.run({ _tag: "KvPut", ...written("a", `${cas}`), cas })
  const remove = (cas: number) => world.run({ _tag: "KvDelete", key: "a", cas })
  assert.deepStrictEqual([put(5), put(0), put(0)], [false, true, false])
  const index = world.state.index
  assert.deepStrictEqual([put(index - 1), put(index), put(index)], [false, true, false])
  assert.deepStrictEqual([remove(0), remove(index), remove(world.state.index), remove(3)], [false, false, true, true])
})

it("locks a key for one session, and counts how often", () => {
  const world = new World()
  const [a, b] = [world.session(1), world.session(2)]
  assert.deepStrictEqual([world.acquire("k", a), world.acquire("k", b), world.acquire("k", a)], [true, false, true])
  assert.strictEqual(world.get("k")?.lockIndex, 1)
  const release = (session: string) => world.run({ _tag: "KvRelease", ...written("k", ""), session })
  assert.deepStrictEqual([release(b), release(a), release(a)], [false, true, false])
  assert.strictEqual(world.acquire("k", b), true)
  assert.deepStrictEqual([world.get("k")?.lockIndex, world.get("k")?.session], [2, b])
  world.put("k", "intruder")
  assert.deepStrictEqual([world.get("k")?.lockIndex, world.get("k")?.session], [0, b])
})

it("refuses a lock for a session that doesn't exist", () => {
  const world = new World()
  const unknown = "11111111-2222-3333-4444-555555555555"
  assert.strictEqual(world.acquire("k", unknown), `invalid session "${unknown}"`)
  assert.strictEqual(world.acquire("k", ""), "missing session")
  assert.strictEqual(world.acquire("k", "abc"), "failed session lookup: index error: UUID must be 36 characters")
})

it("ends an unrenewed session after twice its TTL and a renewed one later", () => {
  const world = new World()
  const session = world.session(1, { ttl: "10s", ttlMs: 10_000 })
  world.acquire("k", session)
  world.pass(15_000)
  const index = world.state.index
  assert.strictEqual(world.apply({ _tag: "SessionRenew", id: session }).reply._tag, "SessionFound")
  assert.strictEqual(world.state.index, index)
  world.pass(19_999)
  assert.strictEqual(world.get("k")?.session, session)
  world.pass(1)
  assert.strictEqual(world.get("k")?.session, "")
  assert.strictEqual(world.get("k")?.lockIndex, 1)
  assert.strictEqual(world.get("k")?.modifyIndex, world.state.index)
  assert.strictEqual(world.apply({ _tag: "SessionRenew", id: session }).reply._tag, "SessionMissing")
})

it("deletes the keys of a session that asked for it", () => {
  const world = new World()
  const session = world.session(1, { behavior: "delete" })
  world.acquire("k/1", session)
  world.acquire("k/2", session)
  world.put("k/3")
  const { keys } = world.apply({ _tag: "SessionDestroy", id: session })
  assert.deepStrictEqual(keys, ["k/1", "k/2"])
  assert.deepStrictEqual(findKeys(world.state, "k/", "").value, ["k/3"])
  assert.strictEqual(HashMap.size(world.state.held), 0)
})

it("holds a key back for the lock delay of a lost session, but not after a clean release", () => {
  const world = new World()
  const [a, b] = [world.session(1, { lockDelayMs: 3000 }), world.session(2)]
  world.acquire("clean", a)
  world.run({ _tag: "KvRelease", ...written("clean", ""), session: a })
  assert.strictEqual(world.acquire("clean", b), true)
  world.acquire("k", a)
  world.run({ _tag: "SessionDestroy", id: a })
  const locked = world.apply({ _tag: "Txn", ops: [op("lock", "k", { session: b })] }).reply
  assert.deepStrictEqual(locked, {
    _tag: "TxnFailed",
    errors: [{ opIndex: 0, what: 'failed to lock key "k" due to lock delay' }]
  })
  world.pass(2999)
  assert.strictEqual(world.acquire("k", b), false)
  world.pass(1)
  assert.strictEqual(world.acquire("k", b), true)
})

it("never holds a key back for more than a minute", () => {
  const world = new World()
  const [a, b] = [world.session(1, { lockDelayMs: 600_000 }), world.session(2)]
  world.acquire("k", a)
  world.run({ _tag: "SessionDestroy", id: a })
  world.pass(60_000)
  assert.strictEqual(world.acquire("k", b), true)
})

it("ends a session with the check that it is bound to", () => {
  const world = new World()
  assert.strictEqual(world.session(1, { nodeChecks: ["beat"] }), "Missing check 'beat' registration")
  world.run({ _tag: "CheckRegister", check: ttlCheck("beat") })
  assert.strictEqual(world.session(1, { nodeChecks: ["beat"] }), "Check 'beat' is in critical state")
  const pass: ConsulCommand = { _tag: "CheckUpdate", id: "beat", status: "passing", output: "ok", from: "heartbeat" }
  world.run(pass)
  const session = world.session(1, { nodeChecks: ["serfHealth", "beat"] })
  world.acquire("k", session)
  world.pass(1500)
  world.run(pass)
  world.pass(1500)
  assert.strictEqual(world.get("k")?.session, session)
  world.pass(500)
  assert.strictEqual(world.get("k")?.session, "")
  assert.strictEqual(getKey(world.state.checks, "beat")?.output, "TTL expired (last output before timeout follows): ok")
  world.run(pass)
  const second = world.session(2, { olderChecks: ["beat"] })
  world.acquire("k", second)
  world.run({ _tag: "CheckDeregister", id: "beat" })
  assert.strictEqual(world.get("k")?.session, "")
})

it("ends a session when the node's own health is lost", () => {
  const world = new World()
  world.acquire("k", world.session(1))
  world.run({ _tag: "CheckUpdate", id: "serfHealth", status: "critical", output: "gone", from: "serf" })
  assert.strictEqual(world.get("k")?.session, "")
})

it("syncs an output that alone has changed after five minutes only", () => {
  const world = new World()
  world.run({ _tag: "CheckRegister", check: ttlCheck("beat", { kind: { _tag: "Ttl", ttlMs: 3_600_000 } }) })
  const beat = (output: string): ConsulCommand => ({
    _tag: "CheckUpdate",
    id: "beat",
    status: "passing",
    output,
    from: "heartbeat"
  })
  world.run(beat("one"))
  const index = world.state.index
  assert.isFalse(world.apply(beat("two")).durable)
  const check = () => getKey(world.state.checks, "beat")
  assert.deepStrictEqual([world.state.index, check()?.output, check()?.agentOutput], [index, "one", "two"])
  world.pass(300_000)
  assert.deepStrictEqual([world.state.index, check()?.output], [index + 1, "two"])
})

it("deregisters a service that stays critical, but not before a minute", () => {
  const world = new World()
  const service = { id: "web-1", name: "web", tags: [], meta: {}, address: "", port: 80 }
  const weights = { passingWeight: 1, warningWeight: 1, enableTagOverride: false }
  const checks = [ttlCheck("web-ttl", { serviceId: "web-1", deregisterAfterMs: 1000, status: "passing" })]
  world.run({ _tag: "ServiceRegister", service: { ...service, ...weights }, checks, replaceChecks: false })
  world.pass(2000)
  assert.strictEqual(getKey(world.state.checks, "web-ttl")?.status, "critical")
  world.pass(59_999)
  assert.isDefined(getKey(world.state.services, "web-1"))
  world.pass(1)
  assert.isUndefined(getKey(world.state.services, "web-1"))
  assert.isUndefined(getKey(world.state.checks, "web-ttl"))
})

it("applies a transaction's operations in order, each seeing the ones before", () => {
  const world = new World()
  world.put("old")
  const { reply, keys } = world.apply({
    _tag: "Txn",
    ops: [op("set", "a"), op("get", "a"), op("delete", "a"), op("check-not-exists", "a"), op("delete-tree", "ol")]
  })
  assert.strictEqual(reply._tag === "TxnDone" ? reply.results.length : -1, 2)
  assert.deepStrictEqual(keys, ["a", "a", "old"])
  assert.strictEqual(findTree(world.state, "").value.length, 0)
})

it("names every failing operation of a transaction", () => {
  const world = new World()
  world.put("a")
  const { reply } = world.apply({
    _tag: "Txn",
    ops: [op("cas", "a", { index: 0 }), op("set", "b"), op("check-index", "c", { index: 1 }), op("frob", "d")]
  })
  assert.deepStrictEqual(reply, {
    _tag: "TxnFailed",
    errors: [
      { opIndex: 0, what: 'failed to set key "a", index is stale' },
      { opIndex: 2, what: 'failed to check index, key "c" doesn\'t exist' },
      { opIndex: 3, what: 'unknown KV verb "frob"' }
    ]
  })
})

const key = fc.constantFrom("a", "a/b", "a/c", "b", "b/x/y")
const index = fc.integer({ min: 0, max: 12 })
const session = fc.integer({ min: 0, max: 3 }).map((n) => `${String(n).padStart(8, "0")}-0000-0000-0000-000000000000`)
const text = fc.constantFrom("", "1", "2")
const verb = fc.constantFrom(
  "set",
  "cas",
  "lock",
  "unlock",
  "get",
  "get-tree",
  "delete",
  "delete-cas",
  "delete-tree",
  "check-session",
  "check-index",
  "check-not-exists"
)
const txn = fc.array(fc.record({ verb, key, value: text.map(base64), flags: fc.constant("0"), index, session }), {
  minLength: 1,
  maxLength: 5
})
const command: fc.Arbitrary<ConsulCommand> = fc.oneof(
  fc.tuple(key, text).map(([k, t]): ConsulCommand => ({ _tag: "KvPut", ...written(k, t) })),
  fc.tuple(key, text, index).map(([k, t, cas]): ConsulCommand => ({ _tag: "KvPut", ...written(k, t), cas })),
  fc.tuple(key, session).map(([k, s]): ConsulCommand => ({ _tag: "KvAcquire", ...written(k, "l"), session: s })),
  fc.tuple(key, session).map(([k, s]): ConsulCommand => ({ _tag: "KvRelease", ...written(k, "r"), session: s })),
  key.map((k): ConsulCommand => ({ _tag: "KvDelete", key: k })),
  fc.constantFrom("", "a/", "b").map((prefix): ConsulCommand => ({ _tag: "KvDeleteTree", prefix })),
  txn.map((ops): ConsulCommand => ({ _tag: "Txn", ops })),
  session.map((id): ConsulCommand => ({ _tag: "SessionDestroy", id })),
  fc.tuple(session, fc.boolean()).map(([id, remove]): ConsulCommand => ({
    _tag: "SessionCreate",
    session: {
      id,
      name: "",
      node: "node",
      lockDelayMs: 1000,
      behavior: remove ? "delete" : "release",
      ttl: "10s",
      ttlMs: 10_000,
      nodeChecks: [],
      serviceChecks: null,
      olderChecks: []
    }
  }))
)
const steps = fc.array(fc.tuple(command, fc.integer({ min: 0, max: 8000 })), { maxLength: 40 })

it.prop("raises the index with every change, and keeps the very state without one", [steps], ([all]) => {
  const world = new World()
  return all.every(([next, ms]) => {
    world.pass(ms)
    const before = world.state
    const { durable, keys, topics } = world.apply(next)
    if (durable) return world.state.index === before.index + 1
    return world.state.index === before.index && keys.length === 0 && topics.size === 0
  })
})

it.prop("changes nothing by a transaction that fails", [steps, txn], ([all, ops]) => {
  const world = new World()
  for (const [next] of all) world.apply(next)
  const before = world.state
  const { reply, state } = world.apply({ _tag: "Txn", ops })
  return reply._tag !== "TxnFailed" || state === before
})

/** All that can be seen of a state. */
const picture = (state: ConsulState): string => [...snapshotLines(state)].join("")

it.prop("leaves old versions of the state as they were", [steps], ([all]) => {
  const world = new World()
  const versions: Array<readonly [ConsulState, string]> = []
  for (const [next, ms] of all) {
    versions.push([world.state, picture(world.state)])
    world.pass(ms)
    world.apply(next)
  }
  return versions.every(([state, seen]) => picture(state) === seen)
})

it.prop("wakes for exactly the keys that differ, and gives each the new index", [steps], ([all]) => {
  const world = new World()
  return all.every(([next]) => {
    const before = world.state
    const { keys, state } = world.apply(next)
    const names = new Set([...valuesUnder(before.kv), ...valuesUnder(state.kv)].map((entry) => entry.key))
    return [...names].every((name) => {
      const [old, now] = [getKey(before.kv, name), getKey(state.kv, name)]
      if (old === now) return true
      return keys.includes(name) && (now === undefined || now.modifyIndex === state.index)
    })
  })
})

it.prop("lets a key be held by a living session only, and knows who holds what", [steps], ([all]) => {
  const world = new World()
  for (const [next, ms] of all) {
    world.pass(ms)
    world.apply(next)
  }
  const holders = valuesUnder(world.state.kv).filter((entry) => entry.session !== "")
  const known = [...world.state.held].flatMap(([holder, keys]) => [...keys].map((k) => `${holder} ${k}`))
  return (
    holders.every((entry) => getKey(world.state.sessions, entry.session) !== undefined) &&
    known.toSorted().join() ===
      holders
        .map((entry) => `${entry.session} ${entry.key}`)
        .toSorted()
        .join()
  )
})

it.prop("comes back from its snapshot as it was", [steps], ([all]) => {
  const world = new World()
  for (const [next, ms] of all) {
    world.pass(ms)
    world.apply(next)
  }
  const reader = new SnapshotReader()
  for (const line of picture(world.state).split("\n")) if (line !== "") reader.take(line)
  return picture(reader.finish()) === picture(world.state)
})
