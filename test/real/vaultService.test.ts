import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Option, Schema, Scope } from "effect"
import { runService } from "../../src/cli/service.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { isTerminal, Status } from "../../src/domain/Status.ts"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { makeEndpoint } from "../../src/http/Transport.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import * as ThreadPacemaker from "../../src/leader/ThreadPacemaker.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { keysBelow } from "../../src/store/keys.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { consulClient } from "../support/consulClient.ts"
import { freePort } from "../support/freePort.ts"
import { consulProgram, startRealConsul } from "../support/RealConsul.ts"
import { rawExecStep } from "./rawExecStep.ts"
import { missing, titled, type VaultLab, vaultLab } from "./vaultLab.ts"

const keys = keysBelow("jobforge-service")

/** Milliseconds that a step may wait for its secrets here. */
const startGrace = 6000

describe.skipIf(missing.length > 0)(titled("the service over a real Nomad and a real Vault"), () => {
  const scope = Effect.runSync(Scope.make())
  const folder = mkdtempSync(join(tmpdir(), "jobforge-service-"))
  let lab: VaultLab
  let consul: Consul["Type"]
  let address = ""

  beforeAll(async () => {
    const scene = Effect.gen(function* () {
      lab = yield* vaultLab
      yield* lab.setUp()
      yield* lab.vault.put("nomad/jobs/git", { username: "ada", password: "git-password-4711" })
      yield* lab.vault.put("nomad/jobs/registry", { username: "robot", password: "registry-password" })
      yield* lab.vault.put("nomad/jobs/db", { password: "db-password" })
      yield* lab.vault.put("elsewhere/git", { username: "eve", password: "x" })
      const program = consulProgram()
      const origin = (yield* program === undefined
        ? startEmbeddedConsul({ host: "127.0.0.1", port: 0 })
        : startRealConsul(program)).address
      consul = yield* consulClient({ origin })
      const port = yield* freePort
      address = `http://127.0.0.1:${port}`
      const { client_token: token } = yield* Effect.flatMap(
        lab.vault.ask("POST", "auth/token/create", { policies: ["jobforge-service"], no_default_policy: true }),
        Schema.decodeUnknown(Schema.Struct({ client_token: Schema.Redacted(Schema.String) }))
      )
      const vault = VaultHttp.layerOf({
        origin: lab.vault.address,
        mount: "secret",
        token: { _tag: "Given", token }
      })
      yield* runService({
        environment: {
          NOMAD_DATACENTERS: "dc1",
          START_GRACE: `${startGrace}ms`,
          RETRY_BACKOFF: "100ms",
          KILL_TIMEOUT: "1s",
          SERVER_HOST: "127.0.0.1",
          SERVER_PORT: String(port),
          METRICS_PORT: "0"
        },
        freshId: "real",
        onSettings: () => {},
        onServing: () => {}
      }).pipe(
        Effect.provide(
          Layer.mergeAll(
            Layer.succeed(Consul, consul),
            Layer.succeed(Nomad, withoutDocker(lab.nomad)),
            ThreadPacemaker.layerOf({ origin }),
            Layer.provide(vault, NodeContext.layer),
            Logger.remove(Logger.defaultLogger)
          )
        ),
        Effect.forkScoped
      )
    })
    await Effect.runPromise(Scope.extend(scene, scope))
  }, 120_000)

  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const withoutDocker = (nomad: Nomad["Type"]): Nomad["Type"] => ({
    ...nomad,
    register: (job, options) => nomad.register(isStep(job) ? rawExecStep(job, folder) : job, options)
  })

  const record = (fields: object) => ({
    owner: "ada",
    repo_url: "https://git.example.com/ada/engine.git",
    image_name: "ada/engine",
    registry_url: "registry.example.com:5000",
    ...fields
  })

  const put = (name: string, fields: object) =>
    consul.put(`${keys.jobs}${name}`, toJson(record({ image_name: `ada/${name}`, ...fields })))

  const ended = (name: string) =>
    consul.get(keys.status(name)).pipe(
      Effect.map(Option.flatMap(({ value }) => decodeStatus(new TextDecoder().decode(value)))),
      Effect.delay("100 millis"),
      Effect.repeat({
        until: Option.exists(
          ({ attempts, status }) => isTerminal(status) && attempts.every(({ outcome }) => outcome !== undefined)
        )
      }),
      Effect.map(Option.getOrThrow),
      Effect.timeout("60 seconds")
    )

  const submit = Effect.fnUntraced(function* (fields: object) {
    const endpoint = yield* makeEndpoint({ origin: address })
    const { body, status } = yield* endpoint.request({
      method: "POST",
      path: "/json/submitJob",
      headers: { "content-type": "application/json" },
      body: toJson({ job_config: record(fields) }),
      timeout: "20 seconds"
    })
    return { status, text: new TextDecoder().decode(body) }
  })

  const everywhere = {
    git_credentials_path: "secret/nomad/jobs/git",
    registry_credentials_path: "secret/nomad/jobs/registry",
    test: {
      entry_point: true,
      vault_policies: ["tests"],
      vault_secrets: [{ path: "secret/data/nomad/jobs/db", fields: { password: "DB_PASSWORD" } }]
    }
  }

  it.live("takes a job with secrets in all of its steps to its end", () =>
    Effect.gen(function* () {
      yield* put("whole", everywhere)
      const status = yield* ended("whole")
      assert.strictEqual(status.status, "SUCCEEDED", status.error)
      const seen = status.attempts.map(({ nomad_job_id: id, phase }) => [phase, join(folder, id)] as const)
      assert.includeMembers(
        seen.map(([phase]) => phase),
        ["build", "test", "publish"]
      )
      for (const [phase, path] of seen) {
        if (phase === "test") assert.strictEqual(readFileSync(join(path, "DB_PASSWORD"), "utf8"), "db-password")
        else assert.include(readFileSync(join(path, "auth.json"), "utf8"), btoa("robot:registry-password"))
        if (phase === "build") assert.strictEqual(readFileSync(join(path, "git-password"), "utf8"), "git-password-4711")
      }
      assert.notInclude(toJson(status), "password-4711")
    })
  )

  it.scopedLive("refuses a submission whose secrets aren't there, and names each with its field", () =>
    Effect.gen(function* () {
      const path = "secret/nomad/jobs/nobody"
      const { status, text } = yield* submit({ ...everywhere, git_credentials_path: path })
      assert.strictEqual(status, 400, text)
      const { errors } = yield* decodeRefusal(text)
      assert.deepStrictEqual(
        errors.map((error) => error.path),
        ["git_credentials_path"]
      )
      assert.include(errors[0]?.message ?? "", path)
      const accepted = yield* submit({ ...everywhere, image_name: "ada/accepted" })
      assert.isBelow(accepted.status, 300, accepted.text)
    })
  )

  it.live("ends a job whose secret is missing or forbidden within its time, and names the path", () =>
    Effect.gen(function* () {
      const cases = [
        ["missing", { git_credentials_path: "secret/data/nomad/jobs/nobody" }],
        ["forbidden", { registry_credentials_path: "secret/elsewhere/git" }],
        [
          "forbidden-test",
          { test: { ...everywhere.test, vault_secrets: [{ path: "secret/data/elsewhere/git", fields: { a: "A" } }] } }
        ]
      ] as const
      yield* Effect.forEach(cases, ([name, fields]) => put(name, fields))
      for (const [name, fields] of cases) {
        const status = yield* ended(name)
        assert.strictEqual(status.status, "FAILED")
        assert.strictEqual(status.reason, "SecretUnavailable", status.error)
        assert.match(status.error ?? "", /vault\.read\(secret\/(?:data\/)?(?:nomad\/jobs\/nobody|elsewhere\/git)\)/)
        const failed = status.attempts.filter(
          ({ outcome }) =>
            outcome !== undefined && outcome.result !== "succeeded" && outcome.reason === "SecretUnavailable"
        )
        assert.isAtLeast(failed.length, 1)
        for (const { outcome, intended_at: from } of failed) {
          assert.isBelow((outcome?.at ?? Number.POSITIVE_INFINITY) - from, startGrace + 9000, toJson(fields))
        }
      }
    })
  )

  it.scopedLive("waits no longer where Vault is away or doesn't answer, and lets a job in all the same", () =>
    Effect.gen(function* () {
      yield* lab.vault.stop
      const accepted = yield* submit({ ...everywhere, image_name: "ada/away" })
      assert.isBelow(accepted.status, 300, accepted.text)
      yield* put("away", { git_credentials_path: "secret/nomad/jobs/git" })
      const status = yield* ended("away")
      assert.strictEqual(status.reason, "SecretUnavailable", status.error)
      assert.include(status.error ?? "", "failed to derive vault token")
      assert.include(status.error ?? "", "connection refused")
      const endpoint = yield* makeEndpoint({ origin: address })
      const health = yield* endpoint.request({ method: "GET", path: "/health", timeout: "20 seconds" })
      assert.include(new TextDecoder().decode(health.body), '"vault":"unhealthy"')
      yield* silentServer(Number(new URL(lab.vault.address).port))
      yield* put("silent", { git_credentials_path: "secret/nomad/jobs/git" })
      const unanswered = yield* ended("silent")
      assert.strictEqual(unanswered.reason, "SecretUnavailable", unanswered.error)
      assert.include(unanswered.error ?? "", "Vault has not answered")
      const waited = yield* submit({ ...everywhere, image_name: "ada/silent" })
      assert.isBelow(waited.status, 300, waited.text)
    })
  )
})

/** Takes connections, and never says a word. */
const silentServer = (port: number) =>
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer((socket) => socket.on("error", () => {}))
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

const isStep = (job: object): job is NomadJob => "TaskGroups" in job

const toJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const decodeStatus = Schema.decodeOption(Schema.parseJson(Status))

const decodeRefusal = Schema.decode(
  Schema.parseJson(
    Schema.Struct({ errors: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })) })
  )
)
