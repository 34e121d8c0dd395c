import * as NodeContext from "@effect/platform-node/NodeContext"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Layer, Redacted, Schedule, Schema, Scope } from "effect"
import { Vault } from "../../src/vault/Vault.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { manifests, missing, titled, type VaultLab, vaultLab } from "./vaultLab.ts"

describe.skipIf(missing.length > 0)(titled("the service's own token, of a real Vault"), () => {
  const scope = Effect.runSync(Scope.make())
  const folder = mkdtempSync(join(tmpdir(), "jobforge-token-"))
  let lab: VaultLab

  beforeAll(async () => {
    lab = await Effect.runPromise(Scope.extend(vaultLab, scope))
    const said = await Effect.runPromise(lab.setUp({ APPROLE: "1" }))
    assert.include(said, "VAULT_ROLE_ID: ")
    await Effect.runPromise(
      Effect.all([
        lab.vault.put("nomad/jobs/hook", { key: "signing-key" }),
        lab.vault.put("nomad/jobs/deleted", { key: "x" }),
        lab.vault.ask("DELETE", "secret/data/nomad/jobs/deleted"),
        lab.vault.put("elsewhere/git", { password: "other" }),
        lab.vault.ask("POST", "sys/mounts/old", { type: "kv", options: { version: "1" } }),
        lab.vault.ask("POST", "old/git", { password: "one" })
      ])
    )
  }, 120_000)

  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  /** As a service with these variables has it. */
  const vaultWith = (environment: Readonly<Record<string, string>>) =>
    Effect.flatMap(Layer.build(Layer.provide(VaultHttp.layer, NodeContext.layer)), (context) =>
      Effect.provide(Vault, context)
    ).pipe(
      Effect.withConfigProvider(
        ConfigProvider.fromMap(new Map(Object.entries({ VAULT_ADDR: lab.vault.address, ...environment })))
      )
    )

  const reads = (vault: Vault["Type"]) => Effect.map(vault.read("nomad/jobs/hook"), ({ key }) => key === "signing-key")

  /** Asked every half second. */
  const readsFor = (vault: Vault["Type"], seconds: number) =>
    Effect.repeat(
      Effect.map(reads(vault), (yes) => assert.isTrue(yes)),
      Schedule.intersect(Schedule.spaced("500 millis"), Schedule.recurs(seconds * 2))
    )

  const appRole = Effect.fnUntraced(function* (changes: object) {
    yield* lab.vault.ask("POST", "auth/approle/role/jobforge-service", changes)
    const { role_id } = yield* decodeRole(yield* lab.vault.ask("GET", "auth/approle/role/jobforge-service/role-id"))
    const { secret_id } = yield* decodeSecret(
      yield* lab.vault.ask("POST", "auth/approle/role/jobforge-service/secret-id")
    )
    return { VAULT_ROLE_ID: role_id, VAULT_SECRET_ID: secret_id }
  })

  const accessors = Effect.flatMap(
    Effect.suspend(() => lab.vault.ask("GET", "auth/token/accessors?list=true")),
    decodeAccessors
  )

  const giveToken = (changes: object) =>
    Effect.flatMap(
      lab.vault.ask("POST", "auth/token/create", {
        policies: ["jobforge-service"],
        no_default_policy: true,
        ...changes
      }),
      decodeToken
    )

  it.scopedLive("of an AppRole may look and read where jobs' secrets lie, and nowhere else", () =>
    Effect.gen(function* () {
      const vault = yield* vaultWith(yield* appRole({}))
      assert.strictEqual(yield* vault.health, "healthy")
      assert.isTrue(yield* reads(vault))
      const presences = yield* Effect.forEach(
        [
          "secret/data/nomad/jobs/hook",
          "secret/nomad/jobs/hook",
          "nomad/jobs/hook",
          "secret/nomad/jobs/nobody",
          "nomad/jobs/nobody",
          "secret/data/nomad/jobs/deleted",
          "secret/data/elsewhere/git",
          "secret/data/elsewhere/nobody",
          "old/git"
        ],
        vault.presence
      )
      assert.deepStrictEqual(presences, [
        "present",
        "present",
        "present",
        "missing",
        // It might be an engine of that name, where the service may not look.
        "unknown",
        "deleted",
        "unknown",
        "unknown",
        "unknown"
      ])
      assert.strictEqual((yield* Effect.flip(vault.read("secret/data/elsewhere/git")))._tag, "Denied")
      assert.strictEqual((yield* Effect.flip(vault.read("secret/data/nomad/jobs/nobody")))._tag, "NotFound")
      const root = yield* vaultWith({ VAULT_TOKEN: Redacted.value(lab.vault.rootToken) })
      assert.strictEqual(yield* root.presence("old/git"), "unversioned")
      assert.strictEqual(yield* root.presence("secret/elsewhere/nobody"), "missing")
    })
  )

  it.scopedLive(
    "of an AppRole outlives its period, its longest life, and a revocation; and ends with the service",
    () =>
      Effect.gen(function* () {
        const before = yield* accessors
        const own = yield* Scope.make()
        const period = yield* Scope.extend(vaultWith(yield* appRole({ token_period: "3s" })), own)
        yield* readsFor(period, 7)
        assert.lengthOf(yield* accessors, before.length + 1)
        yield* Effect.forEach(
          (yield* accessors).filter((one) => !before.includes(one)),
          (accessor) => lab.vault.ask("POST", "auth/token/revoke-accessor", { accessor })
        )
        assert.isTrue(yield* reads(period))
        yield* Scope.close(own, Exit.void)
        assert.deepStrictEqual((yield* accessors).toSorted(), before.toSorted())
        const short = yield* vaultWith(yield* appRole({ token_period: "0s", token_ttl: "2s", token_max_ttl: "4s" }))
        yield* readsFor(short, 10)
      })
  )

  it.scopedLive("that was given is renewed for as long as Vault lets it live", () =>
    Effect.gen(function* () {
      const { client_token: lasting } = yield* giveToken({ period: "3s" })
      const { client_token: mortal } = yield* giveToken({ ttl: "2s", explicit_max_ttl: "4s" })
      const [vault, doomed] = [yield* vaultWith({ VAULT_TOKEN: lasting }), yield* vaultWith({ VAULT_TOKEN: mortal })]
      assert.isTrue(yield* reads(doomed))
      yield* readsFor(vault, 7)
      const refused = yield* Effect.flip(reads(doomed))
      assert.strictEqual(refused._tag, "Denied")
      assert.notInclude(refused.message, mortal)
    })
  )

  it.scopedLive("that Nomad writes for the service's own task is used, and renewed by Nomad", () =>
    Effect.gen(function* () {
      const role = yield* decodeObject(readFileSync(join(manifests, "jobforge-service.role.json"), "utf8"))
      yield* lab.vault.ask("POST", "auth/jwt-nomad/role/jobforge-service", { ...role, token_period: "8s" })
      const told = join(folder, "secrets-dir")
      yield* lab.nomad.register(serviceJob(`printf %s "$NOMAD_SECRETS_DIR" > ${told}; exec sleep 60`))
      yield* Effect.retry(
        Effect.try(() => assert.notStrictEqual(readFileSync(told, "utf8"), "")),
        Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(100))
      )
      const vault = yield* vaultWith({ NOMAD_SECRETS_DIR: readFileSync(told, "utf8") })
      yield* readsFor(vault, 14)
      yield* lab.nomad.stop("jobforge")
    })
  )

  it.scopedLive("and that of the steps have these rights and no others", () =>
    Effect.gen(function* () {
      const rights = Effect.fnUntraced(function* (policy: string) {
        const { client_token: token } = yield* giveToken({ policies: [policy] })
        const answer = yield* lab.vault.ask("POST", "sys/capabilities", { token, paths })
        const all = yield* decodeCapabilities(answer)
        return Object.fromEntries(
          paths.flatMap((path) => {
            const own = all[path]?.filter((right) => right !== "deny") ?? []
            return own.length === 0 ? [] : [[path, own]]
          })
        )
      })
      assert.deepStrictEqual(yield* rights("jobforge-jobs"), {
        "secret/data/nomad/jobs/git": ["read"],
        "auth/token/renew-self": ["update"]
      })
      assert.deepStrictEqual(yield* rights("jobforge-service"), {
        "secret/data/nomad/jobs/git": ["read"],
        "secret/metadata/nomad/jobs/git": ["read"],
        "auth/token/lookup-self": ["read"],
        "auth/token/renew-self": ["update"],
        "auth/token/revoke-self": ["update"]
      })
    })
  )
})

const paths = [
  "secret/data/nomad/jobs/git",
  "secret/metadata/nomad/jobs/git",
  "secret/metadata/nomad/jobs",
  "secret/delete/nomad/jobs/git",
  "secret/destroy/nomad/jobs/git",
  "secret/data/nomad/jobs-of-others/git",
  "secret/data/elsewhere",
  "secret/config",
  "auth/token/lookup-self",
  "auth/token/renew-self",
  "auth/token/revoke-self",
  "auth/token/create",
  "auth/jwt-nomad/config",
  "auth/jwt-nomad/role/nomad-workloads",
  "cubbyhole/x",
  "sys/policies/acl/jobforge-jobs",
  "sys/mounts",
  "identity/entity"
]

/** The service's task, as far as its token is concerned: the file is there, and nothing is in the environment. */
const serviceJob = (script: string) => ({
  ID: "jobforge",
  Name: "jobforge",
  Type: "service",
  Datacenters: ["dc1"],
  TaskGroups: [
    {
      Name: "main",
      Count: 1,
      Tasks: [
        {
          Name: "main",
          Driver: "raw_exec",
          Config: { command: "/bin/sh", args: ["-c", script] },
          Vault: { Role: "jobforge-service", ChangeMode: "noop", Env: false },
          Resources: { CPU: 20, MemoryMB: 32 }
        }
      ]
    }
  ]
})

const decodeObject = Schema.decode(Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown })))
const decodeRole = Schema.decodeUnknown(Schema.Struct({ role_id: Schema.String }))
const decodeSecret = Schema.decodeUnknown(Schema.Struct({ secret_id: Schema.String }))
const decodeToken = Schema.decodeUnknown(Schema.Struct({ client_token: Schema.String }))
const decodeAccessors = (answer: unknown) =>
  Effect.map(Schema.decodeUnknown(Schema.Struct({ keys: Schema.Array(Schema.String) }))(answer), ({ keys }) => keys)
const decodeCapabilities = Schema.decodeUnknown(
  Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) })
)
