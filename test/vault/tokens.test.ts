import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Exit, Layer, Logger, Option, Redacted, Ref, Scope } from "effect"
import { Vault } from "../../src/vault/Vault.ts"
import * as VaultConfig from "../../src/vault/VaultConfig.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { eventually } from "../support/eventually.ts"
import { type Seen, scriptedServer } from "../support/ScriptedServer.ts"

/** A Vault that gives tokens of so many seconds to a role with the secret id `s1`, and takes those that it hasn't taken back. */
const roleServer = Effect.fnUntraced(function* (seconds: number, renewals: "granted" | "refused" = "granted") {
  const live = new Set<string>()
  let given = 0
  const answers = ({ body, headers, url }: Seen): readonly [number, unknown] => {
    const token = String(headers["x-vault-token"])
    if (url === "/v1/auth/machines/login") {
      if (body !== '{"role_id":"r1","secret_id":"s1"}') return [400, { errors: ["invalid role or secret ID"] }]
      given += 1
      live.add(`token-${given}`)
      return [200, { auth: { client_token: `token-${given}`, lease_duration: seconds, renewable: true } }]
    }
    if (!live.has(token)) return [403, { errors: ["permission denied"] }]
    if (url === "/v1/auth/token/renew-self" && renewals === "granted") {
      return [200, { auth: { lease_duration: seconds, renewable: true } }]
    }
    if (url === "/v1/auth/token/lookup-self") return [200, { data: { ttl: seconds, renewable: true } }]
    if (url === "/v1/auth/token/revoke-self") return [live.delete(token) ? 204 : 403, {}]
    return url === "/v1/secret/data/a" ? [200, { data: { data: { by: token }, metadata: {} } }] : [403, { errors: [] }]
  }
  const server = yield* scriptedServer((request, response) => {
    const [status, body] = answers(request)
    response.writeHead(status).end(status === 204 ? "" : JSON.stringify(body))
  })
  const count = (path: string) => server.seen.filter(({ url }) => url === path).length
  return { server, live, count }
})

const secretId = { _tag: "Given", secretId: Redacted.make("s1") } as const

const vaultAt = (origin: string, token: VaultConfig.VaultToken) =>
  Effect.map(
    Layer.build(Layer.provide(VaultHttp.layerOf({ origin, mount: "secret", token }), NodeContext.layer)),
    (context) => Effect.runSync(Effect.provide(Vault, context))
  )

describe("the token of an AppRole", () => {
  const role = { _tag: "AppRole", mount: "machines", roleId: "r1", secretId } as const

  it.scopedLive("is got by a login, renewed, and given back at the end", () =>
    Effect.gen(function* () {
      const { count, live, server } = yield* roleServer(1)
      const scope = yield* Scope.make()
      const vault = yield* Scope.extend(vaultAt(server.origin, role), scope)
      assert.deepStrictEqual(yield* vault.read("secret/data/a"), { by: "token-1" })
      yield* eventually(
        "it was renewed twice",
        Effect.sync(() => count("/v1/auth/token/renew-self") >= 2)
      )
      assert.deepStrictEqual(yield* vault.read("secret/data/a"), { by: "token-1" })
      assert.strictEqual(count("/v1/auth/machines/login"), 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(live.size, 0)
    })
  )

  it.scopedLive("is replaced before its end where it can't be renewed, and at once where it was revoked", () =>
    Effect.gen(function* () {
      const { count, live, server } = yield* roleServer(6, "refused")
      const vault = yield* vaultAt(server.origin, role)
      assert.deepStrictEqual(yield* vault.read("secret/data/a"), { by: "token-1" })
      yield* eventually(
        "there was another login",
        Effect.sync(() => count("/v1/auth/machines/login") === 2)
      )
      yield* eventually(
        "the new token serves",
        Effect.map(vault.read("secret/data/a"), ({ by }) => by === "token-2")
      )
      // Of a token that is only seconds old a refusal is believed.
      live.delete("token-2")
      assert.strictEqual((yield* Effect.flip(vault.read("secret/data/a")))._tag, "Denied")
    })
  )

  it.scopedLive("says why there is none, and takes a secret id that comes later", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "jobforge-approle-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const { server } = yield* roleServer(60)
      const path = join(folder, "secret-id")
      const vault = yield* vaultAt(server.origin, { ...role, secretId: { _tag: "InFile", path } })
      const none = yield* Effect.flip(vault.read("secret/data/a"))
      assert.strictEqual(none._tag, "Denied")
      assert.include(none.message, path)
      writeFileSync(path, "wrong\n")
      const wrong = yield* Effect.flip(vault.read("secret/data/a"))
      assert.include(wrong.message, "invalid role or secret ID")
      assert.notInclude(wrong.message, "r1")
      writeFileSync(path, "s1\n")
      assert.property(yield* vault.read("secret/data/a"), "by")
    })
  )
})

describe("a token that was given", () => {
  it.scopedLive("is reported when Vault refuses it or gives it no more time", () =>
    Effect.gen(function* () {
      const lines = yield* Ref.make<ReadonlyArray<string>>([])
      const recorder = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ logLevel, message }) =>
          Effect.runSync(Ref.update(lines, (all) => [...all, `${logLevel.label} ${String(message)}`]))
        )
      )
      const said = (text: string) =>
        eventually(
          `the log says: ${text}`,
          Effect.map(Ref.get(lines), (all) => all.some((line) => line.includes(text)))
        )
      const given = { _tag: "Given", token: Redacted.make("gone") } as const
      const { server } = yield* roleServer(60)
      yield* vaultAt(server.origin, given).pipe(Effect.provide(recorder))
      yield* said("ERROR Vault's token is not renewed; give the service a new one")
      const shrinking = yield* scriptedServer(({ url }, response) =>
        response.end(
          url.endsWith("lookup-self")
            ? '{"data":{"ttl":3,"renewable":true}}'
            : '{"auth":{"lease_duration":1,"renewable":true}}'
        )
      )
      yield* vaultAt(shrinking.origin, given).pipe(Effect.provide(recorder))
      yield* said("WARN Vault's token can't be renewed any more")
      assert.notInclude((yield* Ref.get(lines)).join(), "gone")
    })
  )
})

describe("where the token comes from", () => {
  const loaded = (environment: Readonly<Record<string, string>>) =>
    VaultConfig.load.pipe(
      Effect.map(Option.map(({ token }) => token)),
      Effect.withConfigProvider(
        ConfigProvider.fromMap(new Map(Object.entries({ VAULT_ADDR: "http://127.0.0.1:8200", ...environment })))
      ),
      Effect.provide(NodeContext.layer)
    )

  it.effect("is a file, a token, an AppRole, or what Nomad writes, in this order", () =>
    Effect.gen(function* () {
      const nomad = { NOMAD_SECRETS_DIR: "/secrets/" }
      const role = { ...nomad, VAULT_ROLE_ID: "r1", VAULT_SECRET_ID: "s1" }
      assert.deepStrictEqual(yield* loaded(nomad), Option.some({ _tag: "InFile", path: "/secrets/vault_token" }))
      assert.deepStrictEqual(
        yield* loaded(role),
        Option.some({ _tag: "AppRole", mount: "approle", roleId: "r1", secretId })
      )
      assert.deepStrictEqual(
        yield* loaded({ ...role, VAULT_SECRET_ID_FILE: "/s", VAULT_APPROLE_MOUNT: "machines" }),
        Option.some({ _tag: "AppRole", mount: "machines", roleId: "r1", secretId: { _tag: "InFile", path: "/s" } })
      )
      const given = { ...role, VAULT_TOKEN: "t" }
      assert.deepStrictEqual(
        Option.map(yield* loaded(given), ({ _tag }) => _tag),
        Option.some("Given")
      )
      const file = { ...given, VAULT_TOKEN_FILE: "/f" }
      assert.deepStrictEqual(yield* loaded(file), Option.some({ _tag: "InFile", path: "/f" }))
    })
  )

  it.effect("is said to be half an AppRole where one of its two ids is missing", () =>
    Effect.gen(function* () {
      assert.include(
        Cause.pretty(Cause.fail(yield* Effect.flip(loaded({ VAULT_ROLE_ID: "r1" })))),
        "VAULT_SECRET_ID_FILE"
      )
      assert.include(Cause.pretty(Cause.fail(yield* Effect.flip(loaded({ VAULT_SECRET_ID: "s1" })))), "VAULT_ROLE_ID")
    })
  )
})
