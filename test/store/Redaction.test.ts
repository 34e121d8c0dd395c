import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Logger, Ref, TestClock } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { type ApiError, NotFound, Unavailable } from "../../src/http/ApiError.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings, settingsOf } from "../../src/store/LiveSettings.ts"
import { Redaction } from "../../src/store/Redaction.ts"
import { readSettings, type Texts } from "../../src/store/Settings.ts"
import { Vault } from "../../src/vault/Vault.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { minimal } from "../support/world.ts"

const keys = keysBelow("jobforge-service")

const settings = (environment: Texts) =>
  Layer.succeed(
    LiveSettings,
    settingsOf(() => readSettings(environment, {}).settings)
  )

type Fields = Readonly<Record<string, string>>

/** A Vault that says what the test wants, and counts how often it is asked. */
const world = (read: (path: string) => Effect.Effect<Fields, ApiError>, logs: Ref.Ref<ReadonlyArray<string>>) =>
  Effect.gen(function* () {
    const asked = yield* Ref.make<ReadonlyArray<string>>([])
    const vault = Vault.of({
      read: (path) =>
        Effect.zipRight(
          Ref.update(asked, (paths) => [...paths, path]),
          read(path)
        ),
      presence: () => Effect.dieMessage("asked"),
      health: Effect.succeed("healthy")
    })
    const consul = yield* Consul
    const layer = Redaction.layer(keys, ["the-own-consul-token"]).pipe(
      Layer.provide(settings({ REGISTRY_TEMP_CREDENTIALS_PATH: "secret/temp" })),
      Layer.provide(Layer.merge(Layer.succeed(Vault, vault), Layer.succeed(Consul, consul))),
      Layer.provideMerge(
        Logger.replace(
          Logger.defaultLogger,
          Logger.make(({ message }) => Effect.runSync(Ref.update(logs, (lines) => [...lines, String(message)])))
        )
      )
    )
    const redaction = yield* Effect.map(Layer.build(layer), (context) =>
      Effect.runSync(Effect.provide(Redaction, context))
    )
    return { redaction, asked: Ref.get(asked) }
  })

const run = (fields: object = {}) => {
  const decoded = Either.getOrThrow(decodeInput({ ...minimal, ...fields }))
  return { name: "web", job_id: "11111111-2222-4333-8444-555555555555", config: decoded.job }
}

const login = { username: "robot-user", password: "password-of-robot", known_hosts: "git.example.com ssh-ed25519 AAAA" }
const secrets: Readonly<Record<string, Fields>> = {
  "secret/git": login,
  "secret/registry": { username: "registry-user", password: "of-the-registry" },
  "secret/temp": { password: "of-the-temporary" },
  "secret/data/app": { username: "database-user", api: "of-the-test", other: "not-rendered" },
  "secret/hooks": { key: "of-the-hook" }
}
const fromSecrets = (path: string): Effect.Effect<Fields, ApiError> => {
  const found = secrets[path]
  return found === undefined
    ? Effect.fail(new NotFound({ system: "vault", operation: `read ${path}`, detail: "" }))
    : Effect.succeed(found)
}

const everything = run({
  git_credentials_path: "secret/git",
  registry_credentials_path: "secret/registry",
  webhook_url: "https://hooks.example.com",
  test: {
    commands: ["true"],
    vault_policies: ["p"],
    vault_secrets: [{ path: "secret/data/app", fields: { api: "API" } }]
  }
})

const quiet = Ref.make<ReadonlyArray<string>>([])

describe("redaction for a run", () => {
  it.scopedLive(
    "takes out what its steps and the receivers of its webhooks are told, and what the service was given",
    () =>
      Effect.gen(function* () {
        const { redaction } = yield* world(fromSecrets, yield* quiet)
        const consul = yield* Consul
        yield* consul.put(
          keys.confidential("web"),
          JSON.stringify({ webhook_headers: { Authorization: "Bearer of-the-header", Accept: "application/json" } })
        )
        yield* consul.put(keys.confidential(everything.job_id), '{"webhook_secret":"vault:secret/hooks#key"}')
        const redactor = yield* redaction.of(everything)
        const pair = Buffer.from("robot-user:password-of-robot").toString("base64")
        const words =
          "password-of-robot of-the-registry of-the-temporary of-the-test database-user of-the-hook of-the-header the-own-consul-token"
        for (const word of [...words.split(" "), pair])
          assert.strictEqual(redactor.text(`<${word}>`), "<[redacted]>", word)
        const open = "robot-user registry-user git.example.com ssh-ed25519 AAAA application/json"
        assert.strictEqual(redactor.text(open), open)
        assert.deepStrictEqual(redactor.unread, [])
        assert.strictEqual(redaction.own.text("the-own-consul-token of-the-test"), "[redacted] of-the-test")
      }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("reads a secret in clear that the store keeps apart", () =>
    Effect.gen(function* () {
      const { redaction } = yield* world(fromSecrets, yield* quiet)
      const consul = yield* Consul
      yield* consul.put(keys.confidential("web"), '{"webhook_secret":"a-secret-in-clear"}')
      const redactor = yield* redaction.of(everything)
      assert.strictEqual(redactor.text("a-secret-in-clear"), "[redacted]")
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scoped("asks Vault once for many jobs, again after half a minute, and remembers what was changed", () =>
    Effect.gen(function* () {
      const password = yield* Ref.make("the-first-password")
      const { asked, redaction } = yield* world(() => Effect.map(Ref.get(password), (text) => ({ text })), yield* quiet)
      const job = run({ git_credentials_path: "secret/git" })
      yield* redaction.of(job)
      yield* redaction.of({ ...job, name: "other" })
      assert.deepStrictEqual(yield* asked, ["secret/git", "secret/temp"])
      yield* Ref.set(password, "the-second-password")
      yield* TestClock.adjust("31 seconds")
      const redactor = yield* redaction.of(job)
      assert.strictEqual(redactor.text("the-first-password the-second-password"), "[redacted] [redacted]")
      assert.lengthOf(yield* asked, 4)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scoped("waits for Vault three seconds, says once what it couldn't read, and asks again later", () =>
    Effect.gen(function* () {
      const logs = yield* Ref.make<ReadonlyArray<string>>([])
      const away = yield* Ref.make(true)
      const { asked, redaction } = yield* world(
        (path) => Effect.flatMap(Ref.get(away), (isAway) => (isAway ? Effect.never : fromSecrets(path))),
        logs
      )
      const job = run({ git_credentials_path: "secret/git" })
      const first = yield* Effect.fork(redaction.of(job))
      yield* TestClock.adjust("3 seconds")
      const redactor = yield* first
      assert.deepStrictEqual(redactor.unread, ["secret/git", "secret/temp"])
      assert.strictEqual(redactor.text("the-own-consul-token https://a:b@c"), "[redacted] https://[redacted]@c")
      // Meanwhile nobody waits.
      assert.lengthOf((yield* redaction.of({ ...job, name: "other" })).unread, 2)
      yield* Ref.set(away, false)
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual((yield* redaction.of(job)).unread, [])
      assert.lengthOf(yield* asked, 4)
      const warnings = (yield* Ref.get(logs)).filter((line) => line.includes("can't be read"))
      assert.lengthOf(warnings, 2)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scoped("goes on with what Vault said last while it is away, for an hour", () =>
    Effect.gen(function* () {
      const away = yield* Ref.make(false)
      const failure: ApiError = new Unavailable({ system: "vault", operation: "read", detail: "sealed" })
      const { redaction } = yield* world(
        (path) => Effect.flatMap(Ref.get(away), (isAway) => (isAway ? Effect.fail(failure) : fromSecrets(path))),
        yield* quiet
      )
      const job = run({ git_credentials_path: "secret/git" })
      yield* redaction.of(job)
      yield* Ref.set(away, true)
      yield* TestClock.adjust("50 minutes")
      const later = yield* redaction.of(job)
      assert.strictEqual(later.text("password-of-robot"), "[redacted]")
      assert.deepStrictEqual(later.unread, [])
      yield* TestClock.adjust("11 minutes")
      assert.deepStrictEqual((yield* redaction.of(job)).unread, ["secret/git", "secret/temp"])
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("asks nothing for a job without secrets of its own", () =>
    Effect.gen(function* () {
      const vault = Vault.of({
        read: () => Effect.dieMessage("asked"),
        presence: () => Effect.dieMessage("asked"),
        health: Effect.succeed("healthy")
      })
      const consul = yield* Consul
      const layer = Redaction.layer(keys, []).pipe(
        Layer.provide(settings({})),
        Layer.provide(Layer.merge(Layer.succeed(Vault, vault), Layer.succeed(Consul, consul)))
      )
      const redactor = yield* Effect.provide(
        Effect.flatMap(Redaction, ({ of }) => of(run())),
        layer
      )
      assert.deepStrictEqual(redactor.unread, [])
      assert.strictEqual(redactor.text("https://a:b@c"), "https://[redacted]@c")
    }).pipe(Effect.provide(embeddedConsul))
  )
})
