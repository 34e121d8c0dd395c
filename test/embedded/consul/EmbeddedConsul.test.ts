import { assert, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Scope } from "effect"
import { createServer, type Server } from "node:http"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { ask, toJson, type RawAnswer } from "./rawConsul.ts"

const start = startEmbeddedConsul({ host: "127.0.0.1", port: 0 })

const get = (port: number, path: string) => ask(port, { method: "GET", path })
const put = (port: number, path: string, body = "") => ask(port, { method: "PUT", path, body })
const indexOf = (answer: RawAnswer) => answer.headers["x-consul-index"] ?? ""

/** Answers `status()` to whatever it is asked, and notes it. */
const target = (status: () => number) =>
  Effect.acquireRelease(
    Effect.async<{ readonly server: Server; readonly url: string; readonly asked: Array<string> }>((resume) => {
      const asked: Array<string> = []
      const server = createServer((request, response) => {
        asked.push(`${request.method} ${request.url} ${String(request.headers["x-probe"])}`)
        response.writeHead(status()).end("how it is")
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ server, url: `http://127.0.0.1:${port}/health`, asked }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close().closeAllConnections())
  )

it.scopedLive(
  "performs a service's HTTP check and tells what came of it",
  () =>
    Effect.gen(function* () {
      const { port } = yield* start
      let status = 200
      const { url, asked } = yield* target(() => status)
      const check = { CheckID: "web-http", HTTP: url, Interval: "1s", Header: { "X-Probe": ["yes"] } }
      yield* put(port, "/v1/agent/service/register", toJson({ Name: "web", Port: 1, Check: check }))
      /** Blocks until the check has this status. */
      const becomes = Effect.fnUntraced(function* (wanted: string) {
        let answer = yield* get(port, "/v1/health/checks/web")
        while (!answer.text.includes(`"Status":"${wanted}"`))
          answer = yield* get(port, `/v1/health/checks/web?index=${indexOf(answer)}&wait=5s`)
        return answer.text
      })
      assert.include(yield* becomes("passing"), `HTTP GET ${url}: 200 OK Output: how it is`)
      assert.strictEqual(asked[0], "GET /health yes")
      status = 429
      yield* becomes("warning")
      status = 503
      assert.include(yield* becomes("critical"), `HTTP GET ${url}: 503 Service Unavailable Output: how it is`)
      yield* put(port, "/v1/agent/service/deregister/web")
      const count = asked.length
      yield* Effect.sleep("1200 millis")
      assert.strictEqual(asked.length, count)
    }),
  20_000
)

it.scopedLive("wakes a thousand readers of one prefix, and none of three thousand others", () =>
  Effect.gen(function* () {
    const { port } = yield* start
    const folders = Array.from({ length: 3000 }, (_, n) => `other/${n}/`)
    for (let at = 0; at < folders.length; at += 60) {
      const ops = folders.slice(at, at + 60).map((folder) => ({ KV: { Verb: "set", Key: `${folder}key` } }))
      yield* put(port, "/v1/txn", toJson(ops))
    }
    yield* put(port, "/v1/kv/mine/a", "1")
    const index = indexOf(yield* get(port, "/v1/kv/mine/a"))
    const wait = (path: string) => get(port, `/v1/kv/${path}?keys&index=${index}&wait=60s`)
    const others = yield* Effect.forEach(folders, (folder) => Effect.fork(wait(folder)))
    const readers = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.fork(wait("mine/")))
    yield* Effect.sleep("2 seconds")
    yield* put(port, "/v1/kv/mine/b", "1")
    const answers = yield* Fiber.join(Fiber.all(readers))
    assert.isTrue(answers.every((answer) => answer.text === '["mine/a","mine/b"]'))
    assert.isTrue(others.every((fiber) => fiber.unsafePoll() === null))
    const writes = yield* Effect.timed(
      Effect.forEach(Array.from({ length: 200 }), (_, n) => put(port, `/v1/kv/x/${n}`))
    )
    assert.isBelow(Duration.toMillis(writes[0]), 2000)
    yield* Fiber.interruptAll(others)
  })
)

it.live("cuts off those who wait when it is stopped", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const { port } = yield* Scope.extend(start, scope)
    const waiting = yield* Effect.fork(Effect.exit(get(port, "/v1/kv/a?index=1&wait=60s")))
    yield* Effect.sleep("100 millis")
    const [stopping] = yield* Effect.timed(Scope.close(scope, Exit.void))
    assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
    assert.isBelow(Duration.toMillis(stopping), 1000)
  })
)

it.scopedLive("refuses by name what it doesn't implement", () =>
  Effect.gen(function* () {
    const { port } = yield* start
    const refused = Effect.fnUntraced(function* (answer: Effect.Effect<RawAnswer>) {
      const { status, text } = yield* answer
      return `${status} ${text}`
    })
    const register = (body: unknown) => put(port, "/v1/agent/service/register", toJson(body))
    assert.strictEqual(
      yield* refused(put(port, "/v1/agent/maintenance?enable=true")),
      "501 the embedded Consul does not implement /v1/agent/maintenance"
    )
    assert.strictEqual(
      yield* refused(register({ Name: "a", Kind: "connect-proxy" })),
      "400 the embedded Consul does not implement Kind in a service"
    )
    assert.strictEqual(
      yield* refused(register({ Name: "a", Check: { TCP: "127.0.0.1:1", Interval: "1s" } })),
      "400 the embedded Consul does not implement TCP in a check"
    )
    assert.strictEqual(
      yield* refused(put(port, "/v1/txn", '[{"Node":{"Verb":"get","Node":{"Node":"x"}}}]')),
      "400 the embedded Consul does not implement Node operations in a transaction"
    )
    assert.strictEqual(
      yield* refused(get(port, "/v1/catalog/services?filter=x")),
      "400 the embedded Consul does not implement ?filter"
    )
    assert.strictEqual(yield* refused(get(port, "/v1/kv/%FF")), "400 the embedded Consul takes paths in UTF-8 only")
  })
)

it.scopedLive("keeps flags beyond what a double holds", () =>
  Effect.gen(function* () {
    const { port } = yield* start
    yield* put(port, "/v1/kv/a?flags=3304740253564472344", "x")
    const ops = [{ KV: { Verb: "set", Key: 'b "Flags":18446744073709551615', Value: "eA==", Flags: "BIG" } }]
    const answer = yield* put(port, "/v1/txn", toJson(ops).replace('"BIG"', "18446744073709551615"))
    assert.include(answer.text, '"Flags":18446744073709551615,"Value":null')
    const all = yield* get(port, "/v1/kv/?recurse")
    assert.include(all.text, '"Key":"a","Flags":3304740253564472344')
    assert.include(all.text, '\\"Flags\\":18446744073709551615","Flags":18446744073709551615')
    const pretty = yield* get(port, "/v1/kv/a?pretty")
    assert.include(pretty.text, '        "Flags": 3304740253564472344,\n')
  })
)

it.scopedLive("says which port is taken", () =>
  Effect.gen(function* () {
    const { port } = yield* start
    const error = yield* Effect.flip(Effect.scoped(startEmbeddedConsul({ host: "127.0.0.1", port })))
    assert.strictEqual(error._tag, "ListenError")
    assert.include(error.message, `Consul cannot listen on 127.0.0.1:${port}: the port is taken`)
  })
)
