import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { type Exchange, serveEmbedded } from "../../../src/embedded/http/EmbeddedServer.ts"
import { ask } from "../consul/rawConsul.ts"

const serve = (handle: (exchange: Exchange) => void | Promise<void>) =>
  serveEmbedded({ server: "Consul", host: "127.0.0.1", port: 0, handle })

it.scoped("answers with what the handler says", () =>
  Effect.gen(function* () {
    const { port } = yield* serve((exchange) =>
      exchange.answer({ status: 201, headers: { "X-Path": exchange.path }, body: exchange.query.get("q") ?? "" })
    )
    const answer = yield* ask(port, { method: "GET", path: "/a%2Fb?q=x%20y" })
    assert.strictEqual(answer.status, 201)
    assert.strictEqual(answer.headers["x-path"], "/a%2Fb")
    assert.strictEqual(answer.text, "x y")
  })
)

it.scoped("redirects a path that is not clean, with its query", () =>
  Effect.gen(function* () {
    const { port } = yield* serve((exchange) => exchange.answer({ status: 200, body: "" }))
    const location = (path: string) =>
      Effect.map(ask(port, { method: "GET", path }), ({ status, headers }) => `${status} ${headers["location"] ?? "-"}`)
    assert.strictEqual(yield* location("/v1//kv/a?raw"), "301 /v1/kv/a?raw")
    assert.strictEqual(yield* location("/v1/kv/a%2F%2Fb%20c"), "301 /v1/kv/a/b%20c")
    assert.strictEqual(yield* location("/v1/kv/../x/./y/"), "301 /v1/x/y/")
    assert.strictEqual(yield* location("/v1/kv/.hidden/...?recurse"), "200 -")
  })
)

it.scoped("reads a body up to its limit and names the size of a larger one", () =>
  Effect.gen(function* () {
    const { port } = yield* serve(async (exchange) => {
      const body = await exchange.readBody(1000)
      exchange.answer({ status: 200, body: body._tag === "Whole" ? `${body.bytes.length}` : `over: ${body.size}` })
    })
    const put = (size: number) => ask(port, { method: "PUT", path: "/", body: "x".repeat(size) })
    assert.strictEqual((yield* put(1000)).text, "1000")
    assert.strictEqual((yield* put(1001)).text, "over: 1001")
    assert.strictEqual((yield* put(2_000_000)).text, "over: 2000000")
  })
)

it.scoped("answers 500 with the text of what a handler throws", () =>
  Effect.gen(function* () {
    const { port } = yield* serve(() => Promise.reject(new Error("no luck")))
    const answer = yield* ask(port, { method: "GET", path: "/" })
    assert.deepStrictEqual([answer.status, answer.text], [500, "no luck"])
  })
)

it.live("tells the handler of a client that gave up, and cuts off the others when its scope closes", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const gone: Array<string> = []
    const { port } = yield* Scope.extend(
      serve((exchange) => exchange.onGone(() => gone.push(exchange.path))),
      scope
    )
    const first = yield* Effect.fork(ask(port, { method: "GET", path: "/first" }))
    const second = yield* Effect.fork(Effect.exit(ask(port, { method: "GET", path: "/second" })))
    yield* Effect.sleep("100 millis")
    yield* Fiber.interrupt(first)
    yield* Effect.sleep("50 millis")
    yield* Scope.close(scope, Exit.void)
    assert.isTrue(Exit.isFailure(yield* Fiber.join(second)))
    yield* Effect.sleep("20 millis")
    assert.deepStrictEqual(gone, ["/first", "/second"])
  })
)

it.scoped("says which port is taken and what to do", () =>
  Effect.gen(function* () {
    const { port } = yield* serve(() => {})
    const error = yield* Effect.flip(serveEmbedded({ server: "Consul", host: "127.0.0.1", port, handle: () => {} }))
    assert.strictEqual(
      error.message,
      `Consul cannot listen on 127.0.0.1:${port}: the port is taken; stop what listens there, or choose another port`
    )
  })
)
