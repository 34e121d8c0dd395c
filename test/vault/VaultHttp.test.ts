import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerResponse } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Fiber, Inspectable, Layer, Redacted, TestClock } from "effect"
import { Vault } from "../../src/vault/Vault.ts"
import type { VaultConfig } from "../../src/vault/VaultConfig.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { eventually } from "../support/eventually.ts"
import { type ScriptedServer, type Seen, scriptedServer } from "../support/ScriptedServer.ts"

const token = "hvs.the-service-token-0123456789"

type Answers = Readonly<Record<string, readonly [number, unknown]>>

/** Vault's own words for what isn't there, and for what a token may not do. */
const nothingThere: readonly [number, unknown] = [404, { errors: [] }]
const refused: readonly [number, unknown] = [403, { errors: ["1 error occurred:\n\t* permission denied\n\n"] }]

const mountV2 = [200, { data: { path: "secret/", type: "kv", options: { version: "2" } } }] as const
const secretV2 = (fields: object) =>
  [
    200,
    {
      request_id: "1",
      lease_id: "",
      renewable: false,
      lease_duration: 0,
      data: { data: fields, metadata: { created_time: "2026-11-20T10:00:00Z", deletion_time: "", version: 3 } }
    }
  ] as const

const tokenRoutes: Answers = {
  "GET /v1/auth/token/lookup-self": [200, { data: { ttl: 0, renewable: false, type: "service" } }]
}

const against = (answers: Answers, config: Partial<VaultConfig> = {}) =>
  Effect.gen(function* () {
    const server = yield* scriptedServer((request, response) =>
      answer({ ...tokenRoutes, ...answers }, request, response)
    )
    const vault = yield* vaultAt(server, config)
    return { server, vault, asked: () => server.seen.map(({ url }) => url).filter((url) => !url.includes("/auth/")) }
  })

const answer = (answers: Answers, request: Seen, response: ServerResponse) => {
  const [status, body] = answers[`${request.method} ${request.url}`] ?? refused
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
}

const vaultAt = ({ origin }: Pick<ScriptedServer, "origin">, config: Partial<VaultConfig>) =>
  Effect.map(
    Layer.build(
      Layer.provide(
        VaultHttp.layerOf({
          origin,
          mount: "secret",
          token: { _tag: "Given", token: Redacted.make(token) },
          ...config
        }),
        NodeContext.layer
      )
    ),
    (context) => Effect.runSync(Effect.provide(Vault, context))
  )

describe("reading a secret", () => {
  it.scopedLive("takes each of the usual styles of a path in an engine of version 2", () =>
    Effect.gen(function* () {
      const { asked, vault } = yield* against({
        "GET /v1/sys/internal/ui/mounts/secret/nomad/jobs/git": mountV2,
        "GET /v1/sys/internal/ui/mounts/nomad/jobs/git": refused,
        "GET /v1/secret/data/nomad/jobs/git": secretV2({ username: "bob", password: "pw", port: 5432, tls: true }),
        "GET /v1/secret/data/nomad/jobs/none": nothingThere
      })
      const fields = { username: "bob", password: "pw", port: "5432", tls: "true" }
      assert.deepStrictEqual(yield* vault.read("nomad/jobs/git"), fields)
      assert.deepStrictEqual(yield* vault.read("secret/nomad/jobs/git"), fields)
      assert.deepStrictEqual(yield* vault.read("secret/data/nomad/jobs/git"), fields)
      assert.strictEqual((yield* Effect.flip(vault.read("secret/nomad/jobs/none")))._tag, "NotFound")
      assert.deepStrictEqual(asked(), [
        "/v1/sys/internal/ui/mounts/nomad/jobs/git",
        // A mount of that name, or else the default one.
        "/v1/nomad/data/jobs/git",
        "/v1/secret/data/nomad/jobs/git",
        "/v1/sys/internal/ui/mounts/secret/nomad/jobs/git",
        "/v1/secret/data/nomad/jobs/git",
        "/v1/secret/data/nomad/jobs/git",
        "/v1/secret/data/nomad/jobs/none"
      ])
    })
  )

  it.scopedLive("takes an engine of version 1, and a mount of several names", () =>
    Effect.gen(function* () {
      const { vault } = yield* against({
        "GET /v1/sys/internal/ui/mounts/team/kv/git": [200, { data: { path: "team/kv/", type: "kv", options: null } }],
        "GET /v1/team/kv/git": [200, { data: { password: "one", data: "x" } }]
      })
      assert.deepStrictEqual(yield* vault.read("team/kv/git"), { password: "one", data: "x" })
    })
  )

  it.scopedLive("finds the engine by trying where the token may not ask for it", () =>
    Effect.gen(function* () {
      const { vault } = yield* against({
        "GET /v1/kv/data/git": nothingThere,
        "GET /v1/secret/data/kv/git": refused,
        "GET /v1/kv/git": [200, { data: { password: "one" } }]
      })
      assert.deepStrictEqual(yield* vault.read("kv/git"), { password: "one" })
    })
  )

  it.scopedLive("tells what isn't there, what is deleted and what is forbidden apart", () =>
    Effect.gen(function* () {
      const { vault } = yield* against({
        "GET /v1/sys/internal/ui/mounts/secret/a": mountV2,
        "GET /v1/secret/data/a": nothingThere,
        "GET /v1/secret/data/gone": [
          404,
          { data: { data: null, metadata: { deletion_time: "2026-11-20T10:00:00Z" } } }
        ],
        "GET /v1/secret/data/denied": refused,
        "GET /v1/secret/data/odd": [200, { hello: "hvs.looks-like-no-secret-of-ours" }]
      })
      const failure = (path: string) => Effect.flip(vault.read(path))
      assert.strictEqual((yield* failure("secret/a"))._tag, "NotFound")
      assert.strictEqual((yield* failure("secret/gone"))._tag, "NotFound")
      const denied = yield* failure("secret/denied")
      assert.strictEqual(denied._tag, "Denied")
      assert.include(denied.message, "permission denied")
      const odd = yield* failure("secret/odd")
      assert.strictEqual(odd._tag, "Invalid")
      assert.notInclude(odd.message, "looks-like")
      // Elsewhere nothing is allowed at all.
      assert.strictEqual((yield* failure("other/x"))._tag, "Denied")
    })
  )

  it.scopedLive("asks for nothing but what the path says", () =>
    Effect.gen(function* () {
      const { asked, vault } = yield* against({})
      for (const path of ["", "/a", "a//b", "secret/../sys/policies", "a/.", "a/b/"]) {
        assert.strictEqual((yield* Effect.flip(vault.read(path)))._tag, "Invalid", path)
      }
      assert.deepStrictEqual(asked(), [])
      yield* Effect.flip(vault.read("secret/data/a b?c#d%2e"))
      assert.include(asked(), "/v1/secret/data/a%20b%3Fc%23d%252e")
    })
  )

  it.scopedLive(
    "says that Vault is away when it is sealed, a standby or gone, and gives the token to nobody else",
    () =>
      Effect.gen(function* () {
        const other = yield* scriptedServer((_, response) => response.end("{}"))
        const server = yield* scriptedServer((request, response) => {
          if (request.url.includes("sealed")) response.writeHead(503).end('{"errors":["Vault is sealed"]}')
          else response.writeHead(307, { location: `${other.origin}${request.url}` }).end()
        })
        const vault = yield* vaultAt(server, {})
        const sealed = yield* Effect.flip(vault.read("sealed/data/x"))
        assert.strictEqual(sealed._tag, "Unavailable")
        assert.include(sealed.message, "Vault is sealed")
        const standby = yield* Effect.flip(vault.read("secret/data/x"))
        assert.strictEqual(standby._tag, "Unavailable")
        assert.include(standby.message, "VAULT_ADDR")
        assert.lengthOf(other.seen, 0)
        const nowhere = yield* vaultAt({ origin: "http://127.0.0.1:1" }, {})
        assert.strictEqual((yield* Effect.flip(nowhere.read("secret/data/x")))._tag, "Unavailable")
      })
  )

  it.scoped("waits for no answer for longer than five seconds", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(() => {})
      const vault = yield* vaultAt(server, {})
      const reading = yield* Effect.fork(Effect.flip(vault.read("secret/data/x")))
      yield* Effect.promise(() => pause(50))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(reading))._tag, "Unavailable")
    })
  )

  it.scopedLive("shows the token in no failure, whatever the server repeats", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((request, response) => {
        response.writeHead(request.url.includes("a") ? 502 : 400)
        response.end(`<html>${JSON.stringify(request.headers)}</html>`)
      })
      const vault = yield* vaultAt(server, { namespace: "team" })
      const failures = [yield* Effect.flip(vault.read("a/data/b")), yield* Effect.flip(vault.read("x/data/y"))]
      assert.strictEqual(server.seen[0]?.headers["x-vault-token"], token)
      assert.strictEqual(server.seen[0]?.headers["x-vault-namespace"], "team")
      assert.strictEqual(server.seen[0]?.headers["x-vault-request"], "true")
      for (const failure of failures) {
        assert.notInclude(`${failure.message} ${String(failure)} ${Inspectable.toStringUnknown(failure)}`, token)
      }
    })
  )
})

describe("the token", () => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-vault-"))

  it.scopedLive("is read from its file at each request, since others replace it there", () =>
    Effect.gen(function* () {
      const path = join(folder, "token")
      writeFileSync(path, "first-token\n")
      const { server, vault } = yield* against(
        { "GET /v1/secret/data/a": secretV2({}) },
        { token: { _tag: "InFile", path } }
      )
      yield* vault.read("secret/data/a")
      writeFileSync(path, "second-token\n")
      yield* vault.read("secret/data/a")
      const used = new Set(server.seen.map(({ headers }) => headers["x-vault-token"]))
      assert.deepStrictEqual([...used], ["first-token", "second-token"])
      assert.isFalse(
        server.seen.some(({ url }) => url.includes("/auth/")),
        "it is renewed by who writes it"
      )
      rmSync(path)
      const gone = yield* Effect.flip(vault.read("secret/data/a"))
      assert.strictEqual(gone._tag, "Denied")
      assert.include(gone.message, path)
    })
  )

  it.scopedLive("that isn't there is said to be what is missing", () =>
    Effect.gen(function* () {
      const { vault } = yield* against(
        { "GET /v1/sys/health?standbyok=true&perfstandbyok=true": [200, {}] },
        { token: { _tag: "None" } }
      )
      assert.include((yield* Effect.flip(vault.read("secret/data/a"))).message, "VAULT_TOKEN")
      assert.strictEqual(yield* vault.health, "healthy")
    })
  )

  it.scopedLive("is renewed as long as that is possible, over failures too", () =>
    Effect.gen(function* () {
      let renewals = 0
      const server = yield* scriptedServer((request, response) => {
        if (request.url.endsWith("lookup-self")) response.end('{"data":{"ttl":1,"renewable":true}}')
        else {
          renewals += 1
          if (renewals === 1) response.writeHead(503).end('{"errors":["Vault is sealed"]}')
          else response.end(JSON.stringify({ auth: { lease_duration: renewals > 2 ? 0 : 1, renewable: true } }))
        }
      })
      yield* vaultAt(server, {})
      yield* eventually(
        "it was renewed",
        Effect.sync(() => renewals === 3)
      )
    })
  )
})

describe("Vault's health", () => {
  const health = (status: number) =>
    Effect.flatMap(
      against({ "GET /v1/sys/health?standbyok=true&perfstandbyok=true": [status, { sealed: status !== 200 }] }),
      ({ vault }) => vault.health
    )

  it.scopedLive("is that of a server that can answer", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* health(200), "healthy")
      assert.strictEqual(yield* health(503), "unhealthy")
      assert.strictEqual(yield* health(501), "unhealthy")
      assert.strictEqual(yield* (yield* vaultAt({ origin: "http://127.0.0.1:1" }, {})).health, "unhealthy")
    })
  )
})

describe("the layer", () => {
  const built = (environment: ReadonlyArray<readonly [string, string]>) =>
    Effect.flatMap(Layer.build(Layer.provide(VaultHttp.layer, NodeContext.layer)), (context) =>
      Effect.provide(Vault, context)
    ).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(environment))))

  it.scopedLive("is disabled where no address is given", () =>
    Effect.gen(function* () {
      const vault = yield* built([["VAULT_ADDR", " "]])
      assert.strictEqual(yield* vault.health, "disabled")
      assert.include((yield* Effect.flip(vault.read("secret/data/a"))).message, "VAULT_ADDR")
    })
  )

  const wrong: ReadonlyArray<readonly [string, string]> = [
    ["VAULT_ADDR", "vault.example.com:8200"],
    ["VAULT_ADDR", "http://me:pw@vault:8200"],
    ["VAULT_ADDR", "http://vault:8200/v1"],
    ["VAULT_TOKEN", "two words"],
    ["VAULT_MOUNT", "/secret"],
    ["VAULT_CACERT", "/nowhere"],
    ["VAULT_CLIENT_CERT", import.meta.filename],
    ["VAULT_SKIP_VERIFY", "maybe"]
  ]
  for (const [name, value] of wrong) {
    it.scopedLive(`refuses ${name}=${value}, with the variable's name`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          built([
            ["VAULT_ADDR", "http://127.0.0.1:8200"],
            [name, value]
          ])
        )
        const said = Cause.pretty(Cause.fail(error))
        assert.include(said, name)
        assert.notInclude(said, "me:pw")
        assert.notInclude(said, "two words")
      })
    )
  }
})
