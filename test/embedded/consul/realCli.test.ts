import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { consulProgram } from "../../support/RealConsul.ts"
import { ask, fromJson, toJson } from "./rawConsul.ts"

const consulBinary = consulProgram()

interface Ran {
  readonly code: number
  readonly out: string
}

/** Runs the real CLI; `code` is its exit code. `killAfter` ends a command that never ends by itself. */
const consul = (port: number, args: ReadonlyArray<string>, killAfter = 20_000): Effect.Effect<Ran> =>
  Effect.async((resume) => {
    const env = { PATH: process.env["PATH"] ?? "", CONSUL_HTTP_ADDR: `http://127.0.0.1:${port}` }
    execFile(consulBinary ?? "consul", args, { env, timeout: killAfter }, (error, out, err) => {
      const code = error === null ? 0 : Number(error.code ?? 1)
      resume(Effect.succeed({ code, out: `${out}${err}` }))
    })
  })

describe.skipIf(consulBinary === undefined)("the consul CLI (CONSUL_BIN or PATH)", () => {
  const withServer = <A>(use: (port: number) => Effect.Effect<A>) =>
    Effect.scoped(Effect.flatMap(startEmbeddedConsul({ host: "127.0.0.1", port: 0 }), ({ port }) => use(port)))

  it.live("puts, gets, compares and deletes", () =>
    withServer(
      Effect.fnUntraced(function* (port) {
        const kv = (...args: ReadonlyArray<string>) => consul(port, ["kv", ...args])
        assert.deepStrictEqual(yield* kv("put", "a/b", "hello"), { code: 0, out: "Success! Data written to: a/b\n" })
        assert.deepStrictEqual(yield* kv("get", "a/b"), { code: 0, out: "hello\n" })
        assert.deepStrictEqual(yield* kv("get", "nope"), { code: 1, out: "Error! No key exists at: nope\n" })
        assert.include((yield* kv("put", "-cas", "-modify-index=1", "a/b", "x")).out, "CAS failed")
        const index = /ModifyIndex\s+(\d+)/.exec((yield* kv("get", "-detailed", "a/b")).out)?.[1] ?? ""
        assert.strictEqual((yield* kv("put", "-cas", `-modify-index=${index}`, "a/b", "x")).code, 0)
        yield* kv("put", "a/c", "y")
        assert.strictEqual((yield* kv("get", "-recurse", "a/")).out, "a/b:x\na/c:y\n")
        assert.strictEqual((yield* kv("get", "-keys", "")).out, "a/\n")
        assert.strictEqual((yield* kv("delete", "-recurse", "a/")).code, 0)
        assert.strictEqual((yield* kv("get", "-recurse", "a/")).out, "")
      })
    )
  )

  it.live("exports what it imports", () =>
    withServer(
      Effect.fnUntraced(function* (port) {
        const entries = [
          { key: "x/1", flags: 42, value: Buffer.from("one").toString("base64") },
          { key: "x/2", flags: 0, value: Buffer.from([0, 255]).toString("base64") }
        ]
        assert.strictEqual((yield* consul(port, ["kv", "import", toJson(entries)])).code, 0)
        assert.deepStrictEqual(fromJson((yield* consul(port, ["kv", "export", "x/"])).out), entries)
      })
    )
  )

  it.live(
    "runs one command at a time under a lock",
    () =>
      withServer(
        Effect.fnUntraced(function* (port) {
          const locked = consul(port, ["lock", "jobs/lock", `echo in; sleep 0.3; echo out`])
          const both = yield* Effect.all([locked, locked], { concurrency: 2 })
          assert.deepStrictEqual(
            both.map((ran) => ran.code),
            [0, 0]
          )
          assert.match(both[0].out + both[1].out, /^in\nout\nin\nout\n$/)
          assert.strictEqual((yield* ask(port, { method: "GET", path: "/v1/session/list" })).text, "[]")
        })
      ),
    30_000
  )

  it.live("sees services, nodes and members", () =>
    withServer(
      Effect.fnUntraced(function* (port) {
        const registered = yield* consul(port, ["services", "register", "-name=web", "-port=80", "-tag=v1"])
        assert.deepStrictEqual(registered, { code: 0, out: "Registered service: web\n" })
        assert.match((yield* consul(port, ["catalog", "services", "-tags"])).out, /consul\s*\nweb\s+v1\n/)
        assert.match((yield* consul(port, ["catalog", "nodes", "-service=web"])).out, /127\.0\.0\.1\s+dc1/)
        assert.match((yield* consul(port, ["members"])).out, /127\.0\.0\.1:8301\s+alive\s+server\s+1\.8\.7/)
        assert.strictEqual((yield* consul(port, ["services", "deregister", "-id=web"])).code, 0)
        assert.notInclude((yield* consul(port, ["catalog", "services"])).out, "web")
      })
    )
  )

  it.live("watches a prefix", () =>
    withServer(
      Effect.fnUntraced(function* (port) {
        const put = (value: string) => ask(port, { method: "PUT", path: "/v1/kv/w/a", body: value })
        yield* put("1")
        const watching = yield* Effect.fork(
          consul(port, ["watch", "-type=keyprefix", "-prefix=w/", "sh", "-c", "cat; echo"], 2500)
        )
        yield* Effect.sleep("1 second")
        yield* put("2")
        const { out } = yield* watching.await.pipe(Effect.flatMap((exit) => exit))
        const values = [...out.matchAll(/"Value":"([^"]*)"/g)].map((found) => found[1])
        assert.deepStrictEqual(values, ["MQ==", "Mg=="])
      })
    )
  )
})
