import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { ask, type RawAnswer, type RawRequest } from "./rawConsul.ts"

/**
 * What a real Consul 1.8.7 was asked, in the order in which it was asked, with the steps between that its recording
 * doesn't hold. Ids and indexes differ from run to run: ids are named by their order, indexes by their rank within an
 * answer.
 */
it.live(
  "answers every recorded request as the real Consul did",
  () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { port } = yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0 })
        const replay = new Replay(port)
        yield* kv(replay)
        yield* transactions(replay)
        yield* blocking(replay)
        yield* sessions(replay)
        yield* locks(replay)
        yield* services(replay)
        assert.isAbove(replay.compared, 95)
      })
    ),
  60_000
)

const kv = Effect.fnUntraced(function* (replay: Replay) {
  yield* replay.same("kv-put")
  yield* replay.do("PUT", "/v1/kv/ci/builds/01/log", "line")
  yield* replay.do("PUT", "/v1/kv/ci/builds/02/status", '{"state":"running"}')
  yield* replay.do("PUT", "/v1/kv/ci/builds/02/empty", "")
  for (const name of ["kv-get", "kv-get-raw", "kv-get-empty-value", "kv-get-keys", "kv-get-keys-separator"])
    yield* replay.same(name)
  // Recorded in the order of the keys, but with other indexes: the value is what counts here.
  yield* replay.same("kv-get-recurse", { ranks: false })
  for (const name of ["kv-get-missing", "kv-get-missing-recurse", "kv-get-missing-keys"]) yield* replay.same(name)
  for (const name of ["kv-get-consistent", "kv-get-stale", "kv-put-flags", "kv-get-flags"]) yield* replay.same(name)
  yield* replay.same("kv-put-cas0-created")
  yield* replay.same("kv-put-cas0-exists")
  const first = yield* replay.modifyIndex("ci/builds/04/s")
  yield* replay.same("kv-put-cas-ok", { replace: ["cas=291", `cas=${first}`] })
  yield* replay.same("kv-put-cas-stale", { replace: ["cas=291", `cas=${first}`] })
  yield* replay.same("kv-put-cas-nonzero-missing")
  yield* replay.same("kv-put-cas-bad")
  yield* replay.same("kv-delete-cas-stale", { replace: ["cas=291", `cas=${first}`] })
  yield* replay.same("kv-delete-cas0")
  const second = yield* replay.modifyIndex("ci/builds/04/s")
  yield* replay.same("kv-delete-cas-ok", { replace: ["cas=293", `cas=${second}`] })
  yield* replay.same("kv-delete-missing")
  yield* replay.same("kv-delete-recurse")
  yield* replay.same("kv-put-512k-ok", { body: "x".repeat(524_288) })
  yield* replay.same("kv-put-too-large", { body: "x".repeat(524_289) })
  for (const name of ["error-405", "error-400-missing-key", "error-404-path", "error-400-bad-index"])
    yield* replay.same(name)
  yield* replay.same("error-400-bad-wait")
  yield* replay.same("error-500-unknown-dc")
  yield* replay.same("status-leader")
})

const transactions = Effect.fnUntraced(function* (replay: Replay) {
  yield* replay.same("txn-ok")
  const index = yield* replay.modifyIndex("ci/builds/05/a")
  for (const name of ["txn-409-cas", "txn-409-cas0", "txn-409-check-not-exists", "txn-409-get-missing"])
    yield* replay.same(name)
  yield* replay.same("txn-409-check-index", { answer: ["305", String(index)] })
  yield* replay.same("txn-409-two-errors", { answer: ["305", String(index)] })
  for (const name of ["txn-get-tree", "txn-get-tree-missing", "txn-409-delete-cas", "txn-delete-tree", "txn-bad-verb"])
    yield* replay.same(name)
  yield* replay.same("txn-bad-json")
  yield* replay.same("txn-65-ops")
  yield* replay.same("txn-too-large-body", { body: "x".repeat(1_366_000) })
})

const blocking = Effect.fnUntraced(function* (replay: Replay) {
  yield* replay.do("DELETE", "/v1/kv/ci/builds/?recurse")
  yield* replay.do("PUT", "/v1/kv/ci/builds/01/status", '{"state":"queued"}')
  yield* replay.do("PUT", "/v1/kv/ci/builds/02/status", '{"state":"queued"}')
  /** The recorded index is the one that the prefix has now; `change` comes while the query waits. */
  const wake = Effect.fnUntraced(function* (name: string, change?: RawRequest) {
    const { request } = readFixture(name)
    const recorded = /index=(\d+)/.exec(request.path)?.[0] ?? ""
    const now = (yield* replay.do("GET", "/v1/kv/ci/builds/?keys")).headers["x-consul-index"] ?? ""
    const write =
      change === undefined ? Effect.void : replay.do(change.method, change.path, change.body).pipe(Effect.delay(200))
    yield* Effect.all([replay.same(name, { replace: [recorded, `index=${now}`] }), write], { concurrency: 2 })
  })
  yield* wake("kv-blocking-timeout")
  const status = (id: string) => `/v1/kv/ci/builds/${id}/status`
  yield* wake("kv-blocking-change", { method: "PUT", path: status("01"), body: '{"state":"running"}' })
  yield* wake("kv-blocking-delete", { method: "DELETE", path: status("02") })
  yield* wake("kv-blocking-delete-last", { method: "DELETE", path: status("01") })
  yield* wake("kv-blocking-empty-then-created", { method: "PUT", path: status("03"), body: '{"state":"queued"}' })
})

const sessions = Effect.fnUntraced(function* (replay: Replay) {
  for (const name of ["session-create", "session-info", "session-renew", "session-list", "session-destroy"])
    yield* replay.same(name)
  for (const name of ["session-destroy-again", "session-renew-unknown", "session-info-unknown"])
    yield* replay.same(name)
  for (const name of ["session-renew-malformed", "session-create-ttl-too-small", "session-create-ttl-bad"])
    yield* replay.same(name)
  yield* replay.same("session-create-default")
  yield* replay.same("session-create-bad-node")
})

const locks = Effect.fnUntraced(function* (replay: Replay) {
  const [holder, other] = ["82b537bd-830a-8663-006a-b5bc9d0bcd52", "3d2379b6-3345-63c8-ea20-5cc9de2fcca9"]
  for (const id of [holder, other]) yield* replay.createSession(id, { LockDelay: "0s" })
  for (const name of ["kv-acquire", "kv-get-locked", "kv-acquire-held", "kv-acquire-again", "kv-put-locked-by-other"])
    yield* replay.same(name)
  yield* replay.same("kv-release-by-other")
  yield* replay.same("kv-release")
  yield* replay.same("kv-acquire-unknown-session")
  yield* replay.same("kv-acquire-malformed-session")
  yield* replay.same("kv-acquire")
  for (const name of ["txn-check-session-ok", "txn-409-check-session", "txn-409-check-session-missing"])
    yield* replay.same(name)
  for (const name of ["txn-409-lock-held", "txn-409-unlock-other", "txn-lock-ok"]) yield* replay.same(name)
  yield* replay.do("PUT", `/v1/session/destroy/${replay.real(holder)}`)
  yield* replay.same("kv-get-after-session-destroyed")
  yield* replay.same("txn-409-check-session-destroyed")
  const delayed = "c7dc5e20-1e93-ae98-a19b-69b0ea4ab7bd"
  yield* replay.createSession(delayed, { LockDelay: "3s" })
  yield* replay.do("PUT", `/v1/kv/lk/delay?acquire=${replay.real(delayed)}`, "A")
  yield* replay.do("PUT", `/v1/session/destroy/${replay.real(delayed)}`)
  yield* replay.same("kv-acquire-lock-delay")
  yield* replay.same("txn-409-lock-delay")
  yield* replay.same("session-renew-expired")
})

const services = Effect.fnUntraced(function* (replay: Replay) {
  yield* replay.same("agent-service-register")
  for (const name of ["catalog-service", "health-service-critical", "health-service-passing-none", "agent-check-pass"])
    yield* replay.same(name, { ranks: false })
  yield* replay.same("health-service-passing", { ranks: false })
  yield* replay.same("agent-services")
  yield* replay.same("catalog-services")
  for (const name of ["agent-check-pass-unknown", "agent-service-register-invalid", "agent-service-register-bad-json"])
    yield* replay.same(name)
  yield* replay.same("catalog-service-unknown")
  yield* replay.same("agent-service-deregister")
  yield* replay.same("agent-service-deregister-unknown")
  yield* replay.same("agent-self-trimmed")
})

interface Fixture {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly body?: unknown
    readonly raw_body?: string
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
    readonly text?: string
  }
}

const readFixture = (name: string): Fixture =>
  JSON.parse(readFileSync(new URL(`../../fixtures/consul/${name}.json`, import.meta.url), "utf8"))

interface Adjustments {
  /** What stands in the recorded request, and what stands for it now. */
  readonly replace?: readonly [string, string]
  /** The same for the recorded answer. */
  readonly answer?: readonly [string, string]
  readonly body?: string
  /** `false`: which index is higher isn't compared. */
  readonly ranks?: boolean
}

class Replay {
  compared = 0
  private readonly port: number
  /** Recorded session ids and the present ones. */
  private readonly ids = new Map<string, string>()

  constructor(port: number) {
    this.port = port
  }

  do(method: string, path: string, body?: string | Uint8Array) {
    return ask(this.port, { method, path, ...(body === undefined ? {} : { body }) })
  }

  real(id: string): string {
    return this.ids.get(id) ?? id
  }

  createSession(recorded: string, spec: unknown) {
    return this.do("PUT", "/v1/session/create", JSON.stringify(spec)).pipe(
      Effect.map((answer) => this.ids.set(recorded, /[0-9a-f-]{36}/.exec(answer.text)?.[0] ?? ""))
    )
  }

  modifyIndex(key: string) {
    return this.do("GET", `/v1/kv/${key}`).pipe(Effect.map((answer) => Number(answer.headers["x-consul-index"])))
  }

  same(name: string, adjust: Adjustments = {}) {
    const { request, response } = readFixture(name)
    const body =
      adjust.body ?? request.raw_body ?? (request.body === undefined ? undefined : JSON.stringify(request.body))
    const now = (text: string) => {
      const [from, to] = adjust.replace ?? ["", ""]
      let replaced = from === "" ? text : text.replace(from, to)
      for (const [recorded, present] of this.ids) replaced = replaced.replaceAll(recorded, present)
      return replaced
    }
    const asked = this.do(request.method, now(request.path), body === undefined ? undefined : now(body))
    return Effect.map(asked, (answer) => {
      this.compared += 1
      this.learn(response.body, answer)
      const [from, to] = adjust.answer ?? ["", ""]
      const expected = JSON.stringify(response.body ?? response.text ?? "").replaceAll(
        from === "" ? "\u0000" : from,
        to
      )
      const ranks = adjust.ranks ?? true
      assert.strictEqual(answer.status, response.status, name)
      assert.deepStrictEqual(
        comparable(
          trim(name, response.body === undefined ? answer.text : JSON.parse(answer.text)),
          answer.headers["x-consul-index"],
          ranks
        ),
        comparable(trim(name, JSON.parse(now(expected))), response.headers["X-Consul-Index"], ranks),
        name
      )
      assert.strictEqual(answer.headers["content-type"] ?? "", response.headers["Content-Type"] ?? "", name)
      assert.strictEqual(answer.headers["x-consul-knownleader"], response.headers["X-Consul-Knownleader"], name)
    })
  }

  /** The id of a session that was created now stands for the recorded one. */
  private learn(recorded: unknown, answer: RawAnswer): void {
    const [before, after] = [JSON.stringify(recorded), answer.text].map(
      (text) => /^\{\s*"ID":\s*"([^"]*)"/.exec(text ?? "")?.[1]
    )
    if (before !== undefined && after !== undefined) this.ids.set(before, after)
  }
}

/** Recorded beside a Nomad that had registered itself, or cut down. */
const trim = (name: string, body: unknown): unknown => {
  if (typeof body !== "object" || body === null) return body
  if (name === "agent-services" || name === "catalog-services")
    return Object.fromEntries(Object.entries(body).filter(([id]) => !id.includes("nomad")))
  if (name === "agent-self-trimmed")
    return Object.fromEntries(Object.entries(body).filter(([field]) => field === "Config" || field === "Member"))
  return body
}

const indexFields = new Set(["CreateIndex", "ModifyIndex"])
const ownFields = new Map([
  ["Node", "<node>"],
  ["Name", "<node>"],
  ["NodeName", "<node>"],
  ["ID", "<node id>"],
  ["NodeID", "<node id>"],
  ["id", "<node id>"]
])

/** The answer with its indexes as ranks, and without what is this machine's own. */
const comparable = (body: unknown, header: string | undefined, ranks: boolean): unknown => {
  const seen = new Set<number>(header === undefined ? [] : [Number(header)])
  JSON.stringify(body, (name, value: unknown) => {
    if (indexFields.has(name) && typeof value === "number") seen.add(value)
    return value
  })
  const sorted = [...seen].toSorted((a, b) => a - b)
  const rank = (index: number) => (ranks ? sorted.indexOf(index) : "<index>")
  const named: unknown = JSON.parse(
    JSON.stringify(body ?? null, (name, value: unknown) => {
      if (indexFields.has(name) && typeof value === "number") return rank(value)
      // Texts written by people stay; a node's name or id stands where there is no other field to tell.
      return typeof value === "string" && isOwn(name, value) ? ownFields.get(name) : value
    })
  )
  return { body: named, header: header === undefined ? undefined : rank(Number(header)) }
}

const hostNames = new Set(["vm", "node-1", (await import("node:os")).hostname()])

const isOwn = (name: string, value: string): boolean =>
  ownFields.has(name) && (hostNames.has(value) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value))
