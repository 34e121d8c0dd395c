import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Option, Schema } from "effect"
import type { Consul } from "../../src/consul/Consul.ts"
import { TxnOp, TxnResult } from "../../src/consul/Transaction.ts"
import { consulClient } from "../support/consulClient.ts"
import { type ScriptedServer, scriptedServer } from "../support/ScriptedServer.ts"
import { type Fixture, fixture } from "./fixtures.ts"

type Client = Consul["Type"]

/** Plays one recorded answer and returns what the client made of it, with what it had sent. */
const play = <A, E>(recorded: Fixture, use: (consul: Client) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const server = yield* scriptedServer((_, response) => {
      const { body, headers, status, text } = recorded.response
      response.writeHead(status, headers)
      response.end(text ?? JSON.stringify(body))
    })
    const consul = yield* consulClient({ origin: server.origin })
    const exit = yield* Effect.exit(use(consul))
    assertSent(server, recorded.request)
    return exit
  })

const assertSent = (server: ScriptedServer, expected: Fixture["request"]) => {
  const [sent] = server.seen
  assert.isDefined(sent)
  const [path = "", query = ""] = sent.url.split("?")
  const [expectedPath = "", expectedQuery = ""] = expected.path.split("?")
  assert.strictEqual(sent.method, expected.method)
  assert.strictEqual(path, expectedPath)
  const parameters = new URLSearchParams(query)
  // Ours alone, and without an effect on a first registration.
  parameters.delete("replace-existing-checks")
  assert.deepStrictEqual([...parameters], [...new URLSearchParams(expectedQuery)])
  if (expected.raw_body !== undefined && !expected.raw_body.startsWith("<")) {
    assert.strictEqual(sent.body, expected.raw_body)
  }
}

const parseJson = Schema.decodeSync(Schema.parseJson(Schema.Unknown))

const utf8 = (value: Uint8Array) => new TextDecoder().decode(value)

/** A value to compare, or the tag of the failure. */
type Case = readonly [name: string, use: (consul: Client) => Effect.Effect<unknown, unknown>, expected: unknown]

const status = {
  key: "ci/builds/01/status",
  value: '{"state":"queued"}',
  createIndex: 286,
  modifyIndex: 286,
  lockIndex: 0,
  flags: 0
}
const held = "82b537bd-830a-8663-006a-b5bc9d0bcd52"
const other = "3d2379b6-3345-63c8-ea20-5cc9de2fcca9"
const gone = "11111111-2222-3333-4444-555555555555"
const sessionId = "e9602bf8-9f2e-bd6f-870f-ea097068abb9"
const expired = fixture("session-renew-unknown").request.path.split("/").at(-1) ?? ""

const readable = <E>(effect: Effect.Effect<Option.Option<{ readonly value: Uint8Array }>, E>) =>
  Effect.map(
    effect,
    Option.map((entry) => ({ ...entry, value: utf8(entry.value) }))
  )

const reads: ReadonlyArray<Case> = [
  ["kv-get", (c) => readable(c.get("ci/builds/01/status")), Option.some(status)],
  ["kv-get-consistent", (c) => readable(c.get("ci/builds/01/status", { consistent: true })), Option.some(status)],
  [
    "kv-get-empty-value",
    (c) => readable(c.get("ci/builds/02/empty")),
    Option.some({ ...status, key: "ci/builds/02/empty", value: "", createIndex: 289, modifyIndex: 289 })
  ],
  [
    "kv-get-flags",
    (c) =>
      Effect.map(
        c.get("ci/builds/03/flags"),
        Option.map(({ flags }) => flags)
      ),
    Option.some(42)
  ],
  [
    "kv-get-locked",
    (c) =>
      Effect.map(
        c.get("lk/leader"),
        Option.map(({ lockIndex, session }) => [lockIndex, session])
      ),
    Option.some([1, held])
  ],
  [
    "kv-get-after-session-destroyed",
    (c) =>
      Effect.map(
        c.get("lk/leader"),
        Option.map(({ modifyIndex, session }) => [modifyIndex, session])
      ),
    Option.some([423, undefined])
  ],
  ["kv-get-missing", (c) => c.get("ci/builds/nope"), Option.none()],
  ["kv-get-missing-recurse", (c) => c.list("zzz/"), { index: 289, value: [] }],
  ["kv-get-missing-keys", (c) => c.keys("zzz/"), { index: 289, value: [] }],
  [
    "kv-get-recurse",
    (c) => Effect.map(c.list("ci/builds/"), ({ index, value }) => [index, value.map(({ key }) => key)]),
    [289, ["ci/builds/01/log", "ci/builds/01/status", "ci/builds/02/empty", "ci/builds/02/status"]]
  ],
  [
    "kv-get-keys",
    (c) => c.keys("ci/builds/"),
    {
      index: 289,
      value: ["ci/builds/01/log", "ci/builds/01/status", "ci/builds/02/empty", "ci/builds/02/status"]
    }
  ],
  ["kv-get-keys-separator", (c) => c.keys("ci/builds/", "/"), { index: 289, value: ["ci/builds/01/", "ci/builds/02/"] }]
]

const writes: ReadonlyArray<Case> = [
  ["kv-put", (c) => c.put("ci/builds/01/status", '{"state":"queued"}'), undefined],
  ["kv-put-cas0-created", (c) => c.putCas("ci/builds/04/s", "a", 0), true],
  ["kv-put-cas0-exists", (c) => c.putCas("ci/builds/04/s", "b", 0), false],
  ["kv-put-cas-ok", (c) => c.putCas("ci/builds/04/s", "c", 291), true],
  ["kv-put-cas-stale", (c) => c.putCas("ci/builds/04/s", "d", 291), false],
  ["kv-put-cas-nonzero-missing", (c) => c.putCas("ci/builds/04/none", "d", 5), false],
  ["kv-put-too-large", (c) => c.put("ci/builds/big2", "a server with a smaller limit"), "Invalid"],
  ["kv-delete-missing", (c) => c.delete("ci/builds/04/s"), undefined],
  ["kv-delete-recurse", (c) => c.deleteTree("ci/builds/03/"), undefined],
  ["kv-delete-cas0", (c) => c.deleteCas("ci/builds/04/s", 0), false],
  ["kv-delete-cas-stale", (c) => c.deleteCas("ci/builds/04/s", 291), false],
  ["kv-delete-cas-ok", (c) => c.deleteCas("ci/builds/04/s", 293), true],
  ["kv-acquire", (c) => c.acquire("lk/leader", "A", held), true],
  ["kv-acquire-held", (c) => c.acquire("lk/leader", "B", other), false],
  ["kv-acquire-again", (c) => c.acquire("lk/leader", "A2", held), true],
  ["kv-acquire-lock-delay", (c) => c.acquire("lk/delay", "B", other), false],
  ["kv-acquire-unknown-session", (c) => c.acquire("lk/leader", "x", gone), "Conflict"],
  ["kv-acquire-malformed-session", (c) => c.acquire("lk/leader", "x", "abc"), "Invalid"],
  ["kv-release", (c) => c.release("lk/leader", held, "released"), true],
  ["kv-release-by-other", (c) => c.release("lk/leader", other), false]
]

const session = {
  id: sessionId,
  name: "controller-1",
  node: "node-1",
  lockDelay: Duration.zero,
  behavior: "release",
  nodeChecks: ["serfHealth"],
  serviceChecks: [],
  createIndex: 401,
  modifyIndex: 401,
  ttl: "15s"
}
const lockOptions = { name: "d", lockDelay: "1 second", behavior: "release" } as const

const sessions: ReadonlyArray<Case> = [
  ["session-create", (c) => c.createSession(lockOptions), sessionId],
  ["session-create-ttl-too-small", (c) => c.createSession({ ...lockOptions, ttl: "5 seconds" }), "Invalid"],
  ["session-create-bad-node", (c) => c.createSession({ ...lockOptions, node: "nonesuch" }), "NotFound"],
  ["session-info", (c) => c.sessionInfo(sessionId), Option.some(session)],
  ["session-info-unknown", (c) => c.sessionInfo(sessionId), Option.none()],
  ["session-renew", (c) => c.renewSession(sessionId), session],
  ["session-renew-unknown", (c) => c.renewSession(expired), "NotFound"],
  ["session-renew-malformed", (c) => c.renewSession("abc"), "Invalid"],
  ["session-destroy", (c) => c.destroySession(sessionId), undefined]
]

const service = { id: "controller-1", name: "image-controller" } as const
const instance = {
  node: "node-1",
  id: "controller-1",
  service: "image-controller",
  address: "127.0.0.1",
  port: 8080,
  tags: ["http", "v1"],
  meta: { version: "0.1.0" }
}

const services: ReadonlyArray<Case> = [
  [
    "agent-self-trimmed",
    (c) => c.agentSelf(),
    {
      datacenter: "dc1",
      nodeName: "node-1",
      nodeId: "11111111-aaaa-bbbb-cccc-222222222222",
      version: "1.8.7",
      server: true
    }
  ],
  ["agent-service-deregister", (c) => c.deregisterService("controller-1"), undefined],
  ["agent-service-deregister-unknown", (c) => c.deregisterService("controller-1"), undefined],
  ["health-service-critical", (c) => c.healthService(service.name, false), [{ ...instance, status: "critical" }]],
  ["health-service-passing", (c) => c.healthService(service.name, true), [{ ...instance, status: "passing" }]],
  ["health-service-passing-none", (c) => c.healthService(service.name, true), []],
  [
    "catalog-services",
    (c) => c.catalogServices(),
    { consul: [], "image-controller": ["http", "v1"], nomad: ["serf", "rpc", "http"], "nomad-client": ["http"] }
  ],
  ["status-leader", (c) => c.leader(), "127.0.0.1:8300"]
]

const refusals: ReadonlyArray<Case> = [
  ["acl-get-denied", (c) => c.get("ci/a"), "Denied"],
  ["acl-get-recurse-denied", (c) => c.list("ci/"), { index: 10, value: [] }],
  ["acl-keys-denied", (c) => c.keys("ci/"), { index: 10, value: [] }],
  ["acl-put-denied", (c) => c.put("ci/a", "y"), "Denied"],
  ["acl-delete-denied", (c) => c.delete("ci/a"), "Denied"],
  ["acl-register-denied", (c) => c.registerService({ id: "x", name: "x" }), "Denied"],
  ["acl-unknown-token", (c) => c.get("ci/a"), "Denied"],
  ["acl-session-denied", (c) => c.createSession({ ...lockOptions, ttl: "10 seconds" }), "Denied"],
  ["error-500-no-leader-get", (c) => c.get("a"), "Unavailable"],
  ["error-500-no-leader-put", (c) => c.put("a", "x"), "Unavailable"],
  ["error-500-no-leader-session", (c) => c.createSession(lockOptions), "Unavailable"],
  ["error-500-no-leader-txn", (c) => c.transaction([TxnOp.Get({ key: "a" })]), "Unavailable"]
]

const a = "ci/builds/05/a"
const b = "ci/builds/05/b"
const failed = (kind: string, opIndex: number, ...ops: ReadonlyArray<TxnOp>) =>
  [(c: Client) => Effect.map(c.transaction(ops), brief), [[opIndex, kind]]] as const

const brief = TxnResult.$match({
  Committed: ({ results }): unknown => ({ results }),
  RolledBack: ({ errors }) => errors.map(({ kind, opIndex }) => [opIndex, kind])
})

const transactions: ReadonlyArray<Case> = [
  [
    "txn-ok",
    (c) =>
      c.transaction([
        TxnOp.Set({ key: a, value: "1" }),
        TxnOp.Cas({ key: b, value: "2", index: 0 }),
        TxnOp.Get({ key: a }),
        TxnOp.CheckNotExists({ key: "ci/builds/05/zzz" })
      ]),
    TxnResult.Committed({
      results: [
        { key: a, modifyIndex: 305 },
        { key: b, modifyIndex: 305 },
        { key: a, createIndex: 305, modifyIndex: 305, value: new TextEncoder().encode("1") }
      ]
    })
  ],
  [
    "txn-409-cas",
    ...failed("stale", 1, TxnOp.Set({ key: "c", value: "x" }), TxnOp.Cas({ key: a, value: "9", index: 1 }))
  ],
  ["txn-409-cas0", ...failed("stale", 0, TxnOp.Cas({ key: a, value: "9", index: 0 }))],
  ["txn-409-check-index", ...failed("stale", 0, TxnOp.CheckIndex({ key: a, index: 3 }))],
  ["txn-409-check-not-exists", ...failed("exists", 0, TxnOp.CheckNotExists({ key: a }))],
  ["txn-409-get-missing", ...failed("exists", 0, TxnOp.Get({ key: "ci/builds/05/zzz" }))],
  ["txn-409-delete-cas", ...failed("stale", 0, TxnOp.DeleteCas({ key: a, index: 3 }))],
  ["txn-409-check-session", ...failed("session", 0, TxnOp.CheckSession({ key: "lk/leader", session: other }))],
  ["txn-409-check-session-missing", ...failed("session", 0, TxnOp.CheckSession({ key: "lk/none", session: other }))],
  ["txn-409-check-session-destroyed", ...failed("session", 0, TxnOp.CheckSession({ key: "lk/leader", session: held }))],
  ["txn-409-lock-held", ...failed("stale", 0, TxnOp.Lock({ key: "lk/leader", value: "B", session: other }))],
  ["txn-409-lock-delay", ...failed("stale", 0, TxnOp.Lock({ key: "lk/delay", value: "B", session: other }))],
  ["txn-409-unlock-other", ...failed("session", 0, TxnOp.Unlock({ key: "lk/leader", value: "B", session: other }))],
  ["acl-txn-denied", ...failed("denied", 0, TxnOp.Set({ key: "ci/a", value: "x" }))],
  ["acl-txn-read-denied", ...failed("denied", 0, TxnOp.Get({ key: "ci/a" }))],
  [
    "txn-409-two-errors",
    (c) =>
      Effect.map(
        c.transaction([TxnOp.Cas({ key: a, value: "9", index: 0 }), TxnOp.CheckIndex({ key: b, index: 3 })]),
        brief
      ),
    [
      [0, "stale"],
      [1, "stale"]
    ]
  ],
  [
    "txn-lock-ok",
    (c) => c.transaction([TxnOp.Lock({ key: "lk/l2", value: "B", session: other })]),
    TxnResult.Committed({ results: [{ key: "lk/l2", modifyIndex: 422 }] })
  ]
]

const tagOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "_tag" in error ? error._tag : error

describe("Consul's recorded answers", () => {
  for (const [name, use, expected] of [...reads, ...writes, ...sessions, ...services, ...refusals, ...transactions]) {
    it.scoped(`mean what they should: ${name}`, () =>
      Effect.gen(function* () {
        const exit = yield* play(fixture(name), use)
        if (Exit.isSuccess(exit)) return assert.deepStrictEqual(exit.value, expected)
        assert.strictEqual(exit.cause._tag === "Fail" ? tagOf(exit.cause.error) : String(exit.cause), expected)
      })
    )
  }

  it.scoped("names what was asked and what Consul said", () =>
    Effect.gen(function* () {
      const exit = yield* play(fixture("acl-get-denied"), (consul) => Effect.flip(consul.get("ci/a")))
      assert.strictEqual(
        Exit.isSuccess(exit) ? exit.value.message : "",
        "consul kv.get ci/a: permission denied: Permission denied"
      )
    })
  )

  it.scoped("don't pass for an empty prefix or a deleted key when they aren't Consul's", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.writeHead(404, { "content-type": "text/html" })
        response.end("<h1>no such site</h1>")
      })
      const consul = yield* consulClient({ origin: server.origin })
      const single = yield* Effect.flip(consul.get("jobs/web"))
      const whole = yield* Effect.flip(consul.list("jobs/"))
      assert.deepStrictEqual([single._tag, whole._tag], ["Invalid", "Invalid"])
    })
  )
})

/** The bodies of what is registered, in the words of the recorded requests. */
describe("what is sent to register", () => {
  it.scoped("a service with its TTL check has every field in Consul's spelling", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end())
      const consul = yield* consulClient({ origin: server.origin })
      yield* consul.registerService({
        ...service,
        address: "127.0.0.1",
        port: 8080,
        tags: ["http", "v1"],
        meta: { version: "0.1.0" },
        checks: [
          {
            id: "controller-1-ttl",
            name: "heartbeat",
            ttl: "15 seconds",
            status: "critical",
            notes: "heartbeat",
            deregisterCriticalServiceAfter: "1 minute"
          },
          { id: "http", name: "http", http: "http://127.0.0.1/health", interval: "10 seconds", timeout: "2 seconds" }
        ]
      })
      assert.strictEqual(server.seen[0]?.url, "/v1/agent/service/register?replace-existing-checks=true")
      assert.deepStrictEqual(parseJson(server.seen[0]?.body ?? ""), {
        ID: "controller-1",
        Name: "image-controller",
        Address: "127.0.0.1",
        Port: 8080,
        Tags: ["http", "v1"],
        Meta: { version: "0.1.0" },
        Checks: [
          {
            CheckID: "controller-1-ttl",
            Name: "heartbeat",
            TTL: "15000ms",
            Status: "critical",
            Notes: "heartbeat",
            DeregisterCriticalServiceAfter: "60000ms"
          },
          {
            CheckID: "http",
            Name: "http",
            HTTP: "http://127.0.0.1/health",
            Interval: "10000ms",
            Timeout: "2000ms"
          }
        ]
      })
    })
  )

  it.scoped("an update for a check that the agent has forgotten is not found", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.writeHead(500)
        response.end(fixture("agent-check-pass-unknown").response.text)
      })
      const consul = yield* consulClient({ origin: server.origin })
      const error = yield* Effect.flip(consul.updateTtlCheck("nope", "passing"))
      assert.strictEqual(error._tag, "NotFound")
    })
  )

  it.scoped("a session names its checks, and its times with units", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end('{"ID":"s"}'))
      const consul = yield* consulClient({ origin: server.origin })
      yield* consul.createSession({
        name: "leader",
        ttl: "15 seconds",
        lockDelay: "1 second",
        behavior: "release",
        checks: { node: ["serfHealth", "beat"], service: ["web"] }
      })
      assert.deepStrictEqual(parseJson(server.seen[0]?.body ?? ""), {
        Name: "leader",
        TTL: "15000ms",
        LockDelay: "1000ms",
        Behavior: "release",
        NodeChecks: ["serfHealth", "beat"],
        ServiceChecks: [{ ID: "web" }]
      })
    })
  )
})
