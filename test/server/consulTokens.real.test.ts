import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Option, Redacted, Schema } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import { Consul } from "../../src/consul/Consul.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { beginRun } from "../../src/domain/run.ts"
import { Status } from "../../src/domain/Status.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"
import { consulProgram, startRealConsul } from "../support/RealConsul.ts"
import { desired, policy } from "../support/world.ts"
import { authenticationOf } from "./authenticationOf.ts"
import { deskOf, keys } from "./deskOf.ts"
import { httpDesk, toJson } from "./httpDesk.ts"

const program = consulProgram()
const title =
  program === undefined
    ? "with a real Consul's ACLs (skipped: no consul on the PATH and no CONSUL_BIN)"
    : "with a real Consul's ACLs"

const service = "11111111-2222-4333-8444-000000000001"

/** One record of each team, as a Git repository would have them. */
const names = ["team-a/web", "team-b/web"] as const

const Created = Schema.Struct({ SecretID: Schema.optionalWith(Schema.String, { default: () => "" }) })

const encodeStatus = Schema.encodeSync(Schema.parseJson(Status))

const theatre = Effect.gen(function* () {
  const settings = { acl: { enabled: true, default_policy: "deny", tokens: { master: service } } }
  const { address } = yield* startRealConsul(program ?? "", settings, service)
  const consul = yield* Effect.map(
    Layer.build(ConsulHttp.layerOf({ origin: address, token: Redacted.make(service) })),
    (context) => Context.get(context, Consul)
  )
  const put = (path: string, body: object) =>
    Effect.promise(async () => {
      const headers = { "x-consul-token": service }
      const response = await fetch(`${address}${path}`, { method: "PUT", headers, body: toJson(body) })
      if (!response.ok) throw new Error(await response.text())
      return Schema.decodeUnknownSync(Created)(await response.json())
    })
  for (const name of names) {
    const status = beginRun(policy, name, 1, desired({ owner: name.slice(0, 6) }), [], 1_800_000_000_000)
    yield* Effect.orDie(consul.put(keys.status(name), encodeStatus(status)))
  }
  /** May see the jobs of one team and ask for what changes them, or nothing. */
  const tokenOf = Effect.fnUntraced(function* (team: string, write: boolean) {
    const name = `${team}-${write ? "write" : "read"}`
    const rules = [
      `key_prefix "${keys.statuses}${team}/" { policy = "read" }`,
      `key_prefix "${keys.jobs}${team}/" { policy = "read" }`,
      `key_prefix "jobforge-service/archive/" { policy = "list" }`,
      ...(write ? [`key_prefix "${keys.requests}" { policy = "write" }`] : [])
    ].join("\n")
    yield* put("/v1/acl/policy", { Name: name, Rules: rules })
    return (yield* put("/v1/acl/token", { Policies: [{ Name: name }] })).SecretID
  })
  return { consul, tokenOf }
})

describe.skipIf(program === undefined)(title, () => {
  it.scopedLive("does what each caller's own token may do, and nothing with the service's", () =>
    Effect.gen(function* () {
      const { consul, tokenOf } = yield* theatre
      const authentication = yield* authenticationOf({ AUTH_MODE: "consul" }, consul)
      const desk = yield* httpDesk({ consul, authentication })
      const tokens = { reader: yield* tokenOf("team-a", false), writer: yield* tokenOf("team-a", true) }
      const ask = (path: string, token: string, method = "GET") =>
        Effect.map(desk.ask(path, { method, headers: { "x-consul-token": token } }), ({ status, text }) => ({
          status,
          text
        }))
      const statusOf = (name: string, token: string) =>
        Effect.map(ask(`/json/job/${encodeURIComponent(name)}/status`, token), ({ status }) => status)

      assert.strictEqual(yield* statusOf(names[0], tokens.reader), 200)
      const refused = yield* ask(`/json/job/${encodeURIComponent(names[1])}/status`, tokens.reader)
      assert.strictEqual(refused.status, 403, refused.text)
      assert.notInclude(refused.text, tokens.reader)
      assert.strictEqual((yield* desk.ask("/json/job/x/status")).status, 401)
      assert.strictEqual(yield* statusOf(names[0], "22222222-2222-4333-8444-000000000002"), 401)

      const listed = yield* desk.post("/json/getHistory", {}, { "x-consul-token": tokens.reader })
      assert.include(listed.text, "team-a")
      assert.notInclude(listed.text, "team-b")

      const killed = yield* ask(`/json/job/${encodeURIComponent(names[0])}/kill`, tokens.reader, "POST")
      assert.strictEqual(killed.status, 403, killed.text)
      assert.isEmpty((yield* consul.keys(keys.requests)).value)
      // Nobody leads, so that nothing answers the request: it is there, which is all that the token could do.
      yield* Effect.option(
        Effect.timeout(ask(`/json/job/${encodeURIComponent(names[0])}/kill`, tokens.writer, "POST"), "2 seconds")
      )
      assert.lengthOf((yield* consul.keys(keys.requests)).value, 1)
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )

  it.scopedLive("keeps nothing for all callers that one of them could not see", () =>
    Effect.gen(function* () {
      const { consul, tokenOf } = yield* theatre
      const context = yield* Layer.build(deskOf(consul))
      const { nameOf } = Context.get(context, StatusWatch)
      const jobId = beginRun(policy, names[1], 1, desired(), [], 0).job_id ?? assert.fail("no id")
      const narrow = Option.some(Redacted.make(yield* tokenOf("team-a", false)))
      // Whoever asks first must not decide what the others find.
      yield* Effect.provideService(nameOf("unknown"), ActingToken, narrow)
      assert.deepStrictEqual(yield* nameOf(jobId), Option.some(names[1]))
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})
