import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Logger, Option, Redacted, Ref, Stream } from "effect"
import type { ServerResponse } from "node:http"
import type { Indexed } from "../../src/consul/Consul.ts"
import { maxValueBytes } from "../../src/consul/Kv.ts"
import { maxTransactionBytes, maxTransactionOps, transactionSize, TxnOp } from "../../src/consul/Transaction.ts"
import type { ApiError } from "../../src/http/ApiError.ts"
import { consulClient } from "../support/consulClient.ts"
import { type Seen, scriptedServer } from "../support/ScriptedServer.ts"

const token = "3f6c9dd2-secret-token"

const against = (answer: (request: Seen, response: ServerResponse) => void) =>
  Effect.gen(function* () {
    const server = yield* scriptedServer(answer)
    const consul = yield* consulClient({ origin: server.origin, token: Redacted.make(token) })
    return { consul, server }
  })

const json = (response: ServerResponse, body: unknown, index = 7) => {
  response.writeHead(200, { "content-type": "application/json", "x-consul-index": String(index) })
  response.end(JSON.stringify(body))
}

const eventually = (what: string, holds: () => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 300; tries++) {
      if (holds()) return
      yield* Effect.sleep("10 millis")
    }
    assert.fail(what)
  })

const entry = (key: string, modifyIndex: number) => ({
  Key: key,
  Value: "eA==",
  Flags: 0,
  CreateIndex: 1,
  ModifyIndex: modifyIndex,
  LockIndex: 0
})

describe("a request", () => {
  it.scopedLive("carries token, namespace and datacenter, and the token nowhere but in its header", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => json(response, true))
      const consul = yield* consulClient({
        origin: server.origin,
        token: Redacted.make(token),
        basicAuth: Redacted.make("me:pw"),
        namespace: "team",
        datacenter: "dc2"
      })
      yield* consul.put("a", "x")
      const [seen] = server.seen
      assert.strictEqual(seen?.url, "/v1/kv/a?dc=dc2&ns=team")
      assert.strictEqual(seen?.headers["x-consul-token"], token)
      assert.strictEqual(seen?.headers.authorization, `Basic ${Buffer.from("me:pw").toString("base64")}`)
    })
  )

  it.scopedLive("escapes each segment of a key", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against((_, response) => json(response, true))
      yield* consul.put("a b/ü?&#%2F/c+", "x")
      assert.strictEqual(server.seen[0]?.url, "/v1/kv/a%20b/%C3%BC%3F%26%23%252F/c%2B")
    })
  )

  const badKeys = ["", "/a", "a//b", "a/../b", "..", "a/./b", "a/\ud800"]
  for (const key of badKeys) {
    it.scopedLive(`is not sent for the key ${JSON.stringify(key)}, which Consul would redirect or misread`, () =>
      Effect.gen(function* () {
        const { consul, server } = yield* against((_, response) => json(response, true))
        const calls: ReadonlyArray<Effect.Effect<unknown, ApiError>> = [
          consul.get(key),
          consul.put(key, "x"),
          consul.putCas(key, "x", 0),
          consul.delete(key),
          consul.deleteTree(key),
          consul.deleteCas(key, 1),
          consul.acquire(key, "x", "s"),
          consul.release(key, "s")
        ]
        const errors = yield* Effect.forEach(calls, (call) => Effect.flip(Effect.asVoid(call)))
        assert.deepStrictEqual(
          errors.map(({ _tag }) => _tag),
          calls.map(() => "Invalid")
        )
        assert.strictEqual(server.seen.length, 0)
      })
    )
  }

  it.scopedLive("is not sent with a value that Consul would refuse for its size", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against((_, response) => json(response, true))
      const error = yield* Effect.flip(consul.put("big", new Uint8Array(maxValueBytes + 1)))
      assert.strictEqual(error._tag, "Invalid")
      yield* consul.put("big", new Uint8Array(maxValueBytes))
      assert.strictEqual(server.seen.length, 1)
    })
  )

  it.scopedLive("closes its socket when it is interrupted", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against(() => {})
      const fibers = yield* Effect.forEach(
        [Effect.asVoid(consul.get("a")), consul.put("a", "x"), Effect.asVoid(consul.agentSelf())],
        Effect.fork
      )
      yield* eventually("the requests arrive", () => server.seen.length === 3)
      yield* Fiber.interruptAll(fibers)
      yield* eventually("the sockets are closed", () => server.openSockets() === 0)
    })
  )
})

/** What a server may answer that isn't Consul's protocol, and what a read makes of it. */
const oddAnswers: ReadonlyArray<readonly [string, (response: ServerResponse) => void, ApiError["_tag"]]> = [
  ["a web page", (response) => void response.end("<html>login</html>"), "Invalid"],
  ["JSON without an index", (response) => void response.end("[]"), "Invalid"],
  ["JSON of another shape", (response) => json(response, [{ Key: 7 }]), "Invalid"],
  [
    "half of a JSON text",
    (response) => {
      response.writeHead(200, { "x-consul-index": "7" })
      response.end('[{"Key":')
    },
    "Invalid"
  ],
  [
    "a redirect",
    (response) => {
      response.writeHead(301, { location: "/elsewhere" })
      response.end()
    },
    "Invalid"
  ],
  [
    "a body that is cut off",
    (response) => {
      response.writeHead(200, { "x-consul-index": "7", "content-length": "1000" })
      response.write("[", () => response.destroy())
    },
    "Unavailable"
  ],
  ["nothing but a closed connection", (response) => void response.destroy(), "Unavailable"],
  ...[408, 429, 500, 502, 503, 504].map(
    (status) =>
      [
        `status ${status}`,
        (response: ServerResponse) => {
          response.writeHead(status)
          response.end("sorry")
        },
        "Unavailable"
      ] as const
  ),
  ...[400, 405, 413].map(
    (status) =>
      [
        `status ${status}`,
        (response: ServerResponse) => {
          response.writeHead(status)
          response.end("no")
        },
        "Invalid"
      ] as const
  ),
  [
    "status 401",
    (response) => {
      response.writeHead(401)
      response.end("ACL support disabled")
    },
    "Denied"
  ],
  [
    "a denial that a follower passes on as 500",
    (response) => {
      response.writeHead(500)
      response.end("rpc error making call: rpc error making call: Permission denied")
    },
    "Denied"
  ]
]

describe("an answer that isn't Consul's", () => {
  for (const [what, answer, expected] of oddAnswers) {
    it.scopedLive(`is ${expected}: ${what}`, () =>
      Effect.gen(function* () {
        const { consul } = yield* against((_, response) => answer(response))
        const error = yield* Effect.flip(consul.list("jobs/"))
        assert.strictEqual(error._tag, expected)
        assert.include(error.message, "kv.list jobs/")
      })
    )
  }

  it.scopedLive("doesn't show token, password or values in its message", () =>
    Effect.gen(function* () {
      const { consul } = yield* against(({ headers, url }, response) => {
        if (url.startsWith("/v1/kv/shown")) return json(response, [{ ...entry("shown", 3), ModifyIndex: "hunter2" }])
        response.writeHead(502)
        response.end(`bad gateway, request was: ${JSON.stringify(headers)}`)
      })
      const echoed = yield* Effect.flip(consul.put("a", "hunter2"))
      const undecoded = yield* Effect.flip(consul.get("shown"))
      assert.notInclude(echoed.message, token)
      assert.include(echoed.message, "<hidden>")
      assert.strictEqual(undecoded.message, "consul kv.get shown: refused: answer not understood at 0.ModifyIndex")
    })
  )

  it.scopedLive("isn't taken for a missing session or service when the path itself is unknown", () =>
    Effect.gen(function* () {
      const { consul } = yield* against((_, response) => {
        response.writeHead(404)
        response.end()
      })
      const calls = [Effect.asVoid(consul.renewSession("s")), consul.updateTtlCheck("c", "passing")]
      const errors = yield* Effect.forEach(calls, Effect.flip)
      assert.deepStrictEqual(
        errors.map(({ _tag }) => _tag),
        ["Invalid", "Invalid"]
      )
    })
  )

  it.scopedLive("is cut to a readable length", () =>
    Effect.gen(function* () {
      const { consul } = yield* against((_, response) => {
        response.writeHead(503)
        response.end(`<html>\n\n${"x".repeat(100_000)}`)
      })
      const error = yield* Effect.flip(consul.get("a"))
      assert.isBelow(error.message.length, 400)
      assert.notInclude(error.message, "\n")
    })
  )

  it.scopedLive("is unavailable when Consul knows no leader", () =>
    Effect.gen(function* () {
      const { consul } = yield* against((_, response) => json(response, ""))
      const error = yield* Effect.flip(consul.leader())
      assert.strictEqual(error._tag, "Unavailable")
    })
  )
})

describe("a field that Consul adds tomorrow", () => {
  it.scopedLive("breaks nothing", () =>
    Effect.gen(function* () {
      const { consul } = yield* against((_, response) => json(response, [{ ...entry("a", 3), Partition: "default" }]))
      assert.isTrue(Option.isSome(yield* consul.get("a")))
    })
  )
})

describe("a transaction", () => {
  const sized = (bytes: number): ReadonlyArray<TxnOp> => {
    const empty = [TxnOp.Set({ key: "k", value: "" })]
    // Base64 grows in steps of four bytes; the key takes up the rest.
    const room = bytes - transactionSize(empty)
    return [TxnOp.Set({ key: `k${"x".repeat(room % 4)}`, value: "x".repeat(Math.floor(room / 4) * 3) })]
  }

  it.scopedLive("is not sent over Consul's limits", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against((_, response) => json(response, { Results: null, Errors: null }))
      const many = Array.from({ length: maxTransactionOps + 1 }, (_, n) => TxnOp.Delete({ key: `k${n}` }))
      const tooMany = yield* Effect.flip(consul.transaction(many))
      const tooLarge = yield* Effect.flip(consul.transaction(sized(maxTransactionBytes + 1)))
      assert.deepStrictEqual([tooMany._tag, tooLarge._tag, server.seen.length], ["Invalid", "Invalid", 0])
      yield* consul.transaction(many.slice(1))
      yield* consul.transaction(sized(maxTransactionBytes))
      assert.strictEqual(server.seen.length, 2)
    })
  )

  it.scopedLive("has the size that was computed", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against((_, response) => json(response, { Results: null, Errors: null }))
      const ops = [
        TxnOp.Set({ key: "ü", value: "ö", flags: 3 }),
        TxnOp.CheckSession({ key: "leader", session: "s" }),
        TxnOp.Cas({ key: "a", value: new Uint8Array([0, 255]), index: 7 })
      ]
      yield* consul.transaction(ops)
      assert.strictEqual(server.seen[0]?.headers["content-length"], String(transactionSize(ops)))
    })
  )

  it.scopedLive("doesn't take a key's name for the reason of its failure", () =>
    Effect.gen(function* () {
      const what = 'failed to set key "permission denied", index is stale'
      const { consul } = yield* against((_, response) => {
        response.writeHead(409)
        response.end(JSON.stringify({ Results: null, Errors: [{ OpIndex: 0, What: what }] }))
      })
      const result = yield* consul.transaction([TxnOp.Cas({ key: "permission denied", value: "", index: 1 })])
      assert.deepStrictEqual(result, { _tag: "RolledBack", errors: [{ opIndex: 0, what, kind: "stale" }] })
    })
  )
})

/** Collects what a watch emits while the test goes on. */
const following = <A>(stream: Stream.Stream<Indexed<A>>) =>
  Effect.gen(function* () {
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => void logged.push(String(message)))
    const states = yield* Ref.make<ReadonlyArray<Indexed<A>>>([])
    const fiber = yield* stream.pipe(
      Stream.runForEach((state) => Ref.update(states, (all) => [...all, state])),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.fork
    )
    return { fiber, logged, states: Ref.get(states) }
  })

const indexAsked = ({ url }: Seen) => new URL(url, "http://x").searchParams.get("index")

describe("a watch", () => {
  it.scopedLive("asks as a blocking query must", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against((request, response) => {
        if (indexAsked(request) === "0") json(response, ["jobs/a"], 7)
      })
      const { fiber, states } = yield* following(consul.watchKeys("jobs/"))
      yield* eventually("it blocks", () => server.seen.length === 2)
      assert.deepStrictEqual(
        server.seen.map(({ url }) => url),
        ["/v1/kv/jobs/?keys&index=0&wait=30s", "/v1/kv/jobs/?keys&index=7&wait=30s"]
      )
      assert.deepStrictEqual(yield* states, [{ index: 7, value: ["jobs/a"] }])
      yield* Fiber.interrupt(fiber)
      yield* eventually("its socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("lives through a cut connection, a lost leader and a restart with lower indexes", () =>
    Effect.gen(function* () {
      const story: ReadonlyArray<(response: ServerResponse) => void> = [
        (response) => json(response, ["jobs/a"], 400),
        (response) => response.destroy(),
        (response) => {
          response.writeHead(500)
          response.end("No cluster leader")
        },
        (response) => {
          response.writeHead(200, { "x-consul-index": "401" })
          response.write('["jobs/', () => response.destroy())
        },
        (response) => json(response, ["jobs/a", "jobs/b"], 12),
        (response) => json(response, ["jobs/b"], 9),
        (response) => {
          response.writeHead(404, { "x-consul-index": "9" })
          response.end()
        },
        (response) => {
          response.writeHead(404, { "x-consul-index": "13" })
          response.end()
        }
      ]
      let told = 0
      const { consul, server } = yield* against((_, response) => story[told++]?.(response))
      const { fiber, logged, states } = yield* following(consul.watchKeys("jobs/"))
      yield* eventually("the story is told", () => server.seen.length === story.length + 1)
      assert.deepStrictEqual(server.seen.map(indexAsked), ["0", "400", "0", "0", "0", "12", "0", "9", "13"])
      assert.deepStrictEqual(yield* states, [
        { index: 400, value: ["jobs/a"] },
        { index: 12, value: ["jobs/a", "jobs/b"] },
        { index: 9, value: ["jobs/b"] },
        { index: 13, value: [] }
      ])
      assert.strictEqual(logged.length, 2)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.scopedLive("reconnects to a server that broke all connections", () =>
    Effect.gen(function* () {
      let index = 1
      const { consul, server } = yield* against((request, response) => {
        if (indexAsked(request) === "0") json(response, [entry("jobs/a", index)], index)
      })
      const { fiber, states } = yield* following(consul.watchList("jobs/"))
      yield* eventually("it blocks", () => server.seen.length === 2)
      index = 5
      server.cutAll()
      yield* eventually("it blocks again", () => server.seen.length === 4)
      assert.deepStrictEqual(
        (yield* states).map((state) => [state.index, state.value.map(({ modifyIndex }) => modifyIndex)]),
        [
          [1, [1]],
          [5, [5]]
        ]
      )
      yield* Fiber.interrupt(fiber)
    })
  )

  it.scopedLive("of one key tells a deletion from a denial", () =>
    Effect.gen(function* () {
      const story: ReadonlyArray<(response: ServerResponse) => void> = [
        (response) => json(response, [entry("a", 3)], 3),
        (response) => {
          response.writeHead(403)
          response.end("Permission denied")
        },
        (response) => {
          response.writeHead(404, { "x-consul-index": "8" })
          response.end()
        }
      ]
      let told = 0
      const { consul, server } = yield* against((_, response) => story[told++]?.(response))
      const { fiber, logged, states } = yield* following(consul.watchKey("a"))
      yield* eventually("the story is told", () => server.seen.length === 4)
      assert.deepStrictEqual(
        (yield* states).map(({ index, value }) => [index, Option.isSome(value)]),
        [
          [3, true],
          [8, false]
        ]
      )
      assert.include(logged[0], "permission denied")
      yield* Fiber.interrupt(fiber)
    })
  )

  it.scopedLive("ends its requests when its consumer has enough", () =>
    Effect.gen(function* () {
      const { consul, server } = yield* against((_, response) => json(response, ["a"], 7))
      const first = yield* Stream.runCollect(Stream.take(consul.watchKeys("a"), 1))
      assert.strictEqual(Chunk.size(first), 1)
      assert.strictEqual(server.seen.length, 1)
    })
  )
})
