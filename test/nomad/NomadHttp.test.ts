import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, Redacted } from "effect"
import type { ServerResponse } from "node:http"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import type { NomadConfig } from "../../src/nomad/NomadConfig.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { scriptedServer, type Seen } from "../support/ScriptedServer.ts"
import { bodyOf, fixture } from "./fixtures.ts"

type Client = Nomad["Type"]

const answerWith = (name: string) => (_: Seen, response: ServerResponse) => {
  const recorded = fixture(name)
  response.writeHead(recorded.response.status, recorded.response.headers)
  response.end(bodyOf(recorded))
}

const served = Effect.fnUntraced(function* (
  answer: (request: Seen, response: ServerResponse) => void,
  config: Partial<NomadConfig> = {}
) {
  const server = yield* scriptedServer(answer)
  const nomad = yield* nomadClient({ ...plainNomad(server.origin), ...config })
  return { nomad, server }
})

/** Plays one recorded answer; gives what the client made of it, and what it had sent. */
const play = <A, E>(name: string, use: (nomad: Client) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const { nomad, server } = yield* served(answerWith(name))
    const result = yield* Effect.either(use(nomad))
    const [sent] = server.seen
    assert.isDefined(sent)
    return { result, sent }
  })

const succeeds = <A, E>(name: string, use: (nomad: Client) => Effect.Effect<A, E>) =>
  Effect.flatMap(play(name, use), ({ result, sent }) => Effect.map(Effect.orDie(result), (value) => ({ sent, value })))

const fails = <A, E extends { readonly _tag: string }>(name: string, use: (nomad: Client) => Effect.Effect<A, E>) =>
  Effect.flatMap(play(name, use), ({ result }) => Effect.map(Effect.flip(result), ({ _tag }) => _tag))

describe("the Nomad client", () => {
  it.scoped("registers a job", () =>
    Effect.gen(function* () {
      const { sent, value } = yield* succeeds("register-first", (nomad) => nomad.register({ ID: "fx-build-01" }))
      assert.deepStrictEqual(value, {
        evalId: "a88a5514-747c-f185-ec86-1bca7b9d1b76",
        jobModifyIndex: 372,
        warnings: ""
      })
      assert.strictEqual(sent.method, "POST")
      assert.strictEqual(sent.url, "/v1/jobs?namespace=default")
      assert.strictEqual(sent.body, '{"Job":{"ID":"fx-build-01"}}')
      assert.strictEqual(sent.headers["content-type"], "application/json")
    })
  )

  it.scoped("registers a job only if there is none, and tells a lost race from a bad job and from no leader", () =>
    Effect.gen(function* () {
      const create = (nomad: Client) => nomad.register({ ID: "fx" }, { createOnly: true })
      const { sent } = yield* succeeds("register-enforce-create", create)
      assert.strictEqual(sent.body, '{"Job":{"ID":"fx"},"EnforceIndex":true,"JobModifyIndex":0}')
      assert.strictEqual(yield* fails("register-enforce-conflict-dead", create), "Conflict")
      assert.strictEqual(yield* fails("register-invalid-many", create), "Invalid")
      assert.strictEqual(yield* fails("error-500-no-leader-register", create), "Unavailable")
      assert.strictEqual(yield* fails("acl-403-no-token-register", create), "Denied")
    })
  )

  it.scoped("refuses a job that is no JSON before it asks", () =>
    Effect.gen(function* () {
      const nomad = yield* nomadClient(plainNomad("http://127.0.0.1:9"))
      const job = { ID: "x", Priority: 1n }
      assert.strictEqual((yield* Effect.flip(nomad.register(job)))._tag, "Invalid")
    })
  )

  it.scoped("validates a job", () =>
    Effect.gen(function* () {
      const good = yield* succeeds("validate-ok", (nomad) => nomad.validate({ ID: "x" }))
      assert.deepStrictEqual(good.value, { errors: [], warnings: "" })
      const bad = yield* succeeds("validate-error", (nomad) => nomad.validate({ ID: "x" }))
      assert.strictEqual(bad.value.errors[0], "Job ID contains a space")
      assert.lengthOf(bad.value.errors, 4)
    })
  )

  it.scoped("takes a validation's single error for a list of one", () =>
    Effect.gen(function* () {
      const { nomad } = yield* served((_, response) => response.end('{"Error": "no good", "ValidationErrors": null}'))
      assert.deepStrictEqual(yield* nomad.validate({ ID: "x" }), { errors: ["no good"], warnings: "" })
    })
  )

  it.scoped("reads a job, or that there is none", () =>
    Effect.gen(function* () {
      const found = yield* succeeds("job-read-running", (nomad) => nomad.job("fx/build 01"))
      assert.strictEqual(found.sent.url, "/v1/job/fx%2Fbuild%2001?namespace=default")
      assert.deepStrictEqual(
        Option.map(found.value, ({ ID }) => ID),
        Option.some("fx-build-01")
      )
      assert.deepStrictEqual((yield* succeeds("error-404-job", (nomad) => nomad.job("x"))).value, Option.none())
      assert.strictEqual(yield* fails("acl-403-no-token-read", (nomad) => nomad.job("x")), "Denied")
      assert.strictEqual(yield* fails("error-500-no-leader-read", (nomad) => nomad.job("x")), "Unavailable")
    })
  )

  it.scoped("lists jobs by prefix, with the index of the list", () =>
    Effect.gen(function* () {
      const { sent, value } = yield* succeeds("jobs-list-prefix", (nomad) => nomad.jobs("fx-build-"))
      assert.strictEqual(sent.url, "/v1/jobs?prefix=fx-build-&meta=true&namespace=default")
      assert.deepStrictEqual(
        value.value.map(({ ID }) => ID),
        ["fx-build-01", "fx-build-02"]
      )
      assert.isAbove(value.index, 300)
      assert.deepStrictEqual((yield* succeeds("jobs-list-empty", (nomad) => nomad.jobs("zzz"))).value.value, [])
      const { nomad } = yield* served((_, response) => response.end("[]"))
      assert.deepStrictEqual(yield* nomad.jobs(""), { index: 0, value: [] })
    })
  )

  it.scoped("stops a job, and purges it where asked", () =>
    Effect.gen(function* () {
      const stopped = yield* succeeds("job-stop", (nomad) => nomad.stop("a/b"))
      assert.strictEqual(`${stopped.sent.method} ${stopped.sent.url}`, "DELETE /v1/job/a%2Fb?namespace=default")
      const purged = yield* succeeds("job-stop", (nomad) => nomad.stop("a", { purge: true }))
      assert.strictEqual(purged.sent.url, "/v1/job/a?purge=true&namespace=default")
    })
  )

  it.scoped("lists a job's allocations and evaluations, also of a job that isn't there", () =>
    Effect.gen(function* () {
      const { sent, value } = yield* succeeds("allocations-complete", (nomad) => nomad.allocations("fx"))
      assert.strictEqual(sent.url, "/v1/job/fx/allocations?all=false&namespace=default")
      assert.lengthOf(value, 2)
      assert.deepStrictEqual((yield* succeeds("allocations-none", (nomad) => nomad.allocations("fx"))).value, [])
      const evaluations = yield* succeeds("evaluations-blocked-dc", (nomad) => nomad.evaluations("fx"))
      assert.strictEqual(evaluations.sent.url, "/v1/job/fx/evaluations?namespace=default")
      assert.lengthOf(evaluations.value, 2)
    })
  )

  it.scoped("reads an allocation, or that it is forgotten", () =>
    Effect.gen(function* () {
      const { sent, value } = yield* succeeds("allocation-read-running", (nomad) => nomad.allocation("d3a6"))
      assert.strictEqual(sent.url, "/v1/allocation/d3a6?namespace=default")
      assert.deepStrictEqual(
        Option.map(value, ({ ClientStatus }) => ClientStatus),
        Option.some("running")
      )
      const gone = yield* succeeds("allocation-read-after-gc", (nomad) => nomad.allocation("d3a6"))
      assert.deepStrictEqual(gone.value, Option.none())
    })
  )

  it.scoped("tells of the cluster", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* succeeds("status-leader", (nomad) => nomad.leader())).value, "127.0.0.1:4647")
      assert.strictEqual(yield* fails("no-leader-status", (nomad) => nomad.leader()), "Unavailable")
      assert.strictEqual((yield* succeeds("nodes-list", (nomad) => nomad.nodes())).value[0]?.Name, "vm")
      assert.strictEqual(yield* fails("acl-403-nodes", (nomad) => nomad.nodes()), "Denied")
      assert.strictEqual(yield* fails("acl-403-gc", (nomad) => nomad.systemGc()), "Denied")
      const { nomad, server } = yield* served(({ url }, response) =>
        response.end(
          url.startsWith("/v1/regions")
            ? '["global"]'
            : '{"config": {"Version": {"Version": "1.10.5"}, "Region": "global", "Datacenter": "dc1"}}'
        )
      )
      assert.deepStrictEqual(yield* nomad.regions(), ["global"])
      assert.deepStrictEqual(yield* nomad.agentSelf(), { version: "1.10.5", region: "global", datacenter: "dc1" })
      yield* nomad.systemGc()
      assert.deepStrictEqual(
        server.seen.map(({ method, url }) => `${method} ${url.split("?")[0]}`),
        ["GET /v1/regions", "GET /v1/agent/self", "PUT /v1/system/gc"]
      )
    })
  )

  it.scoped("asks with its token, its proxy's password, its namespace and its region", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* served((_, response) => response.end("[]"), {
        token: Option.some(Redacted.make("5ecret")),
        httpAuth: Option.some(Redacted.make("user:pass word")),
        namespace: "team a",
        region: Option.some("eu/1")
      })
      yield* nomad.allocations("x")
      const [sent] = server.seen
      assert.strictEqual(sent?.headers["x-nomad-token"], "5ecret")
      assert.strictEqual(sent?.headers.authorization, `Basic ${Buffer.from("user:pass word").toString("base64")}`)
      assert.strictEqual(sent?.url, "/v1/job/x/allocations?all=false&namespace=team%20a&region=eu%2F1")
    })
  )

  it.scoped("is Unavailable when nobody answers, or only half", () =>
    Effect.gen(function* () {
      const nobody = yield* nomadClient(plainNomad("http://127.0.0.1:9"))
      assert.strictEqual((yield* Effect.flip(nobody.job("x")))._tag, "Unavailable")
      const { nomad } = yield* served((_, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("[")
        setTimeout(() => response.destroy(), 20)
      })
      assert.strictEqual((yield* Effect.flip(nomad.allocations("x")))._tag, "Unavailable")
    })
  )

  it.scopedLive("closes its connection when it is interrupted", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* served(() => {})
      const fiber = yield* Effect.fork(nomad.job("x"))
      yield* until(() => server.seen.length === 1)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* until(() => server.openSockets() === 0)
    })
  )
})

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sleep(Duration.millis(5)), { until: condition }).pipe(Effect.timeout("5 seconds"))
