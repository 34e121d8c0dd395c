import { writeFile } from "node:fs/promises"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Redacted, Schema } from "effect"
import { Io } from "../../../src/commands/Io.ts"
import { sync, type SyncOptions } from "../../../src/commands/sync.ts"
import { consulClient } from "../../support/consulClient.ts"
import { consulProgram, startRealConsul } from "../../support/RealConsul.ts"
import { recordedIo } from "../support/recordedIo.ts"
import { keys, temporaryFolder, yaml } from "./Bench.ts"

const program = consulProgram()

const management = "11111111-2222-4333-8444-000000000002"

const Created = Schema.Struct({ SecretID: Schema.optionalWith(Schema.String, { default: () => "" }) })

/** A Consul that lets nobody do anything, and a token for one team's records and their marks. */
const guarded = Effect.gen(function* () {
  const settings = { acl: { enabled: true, default_policy: "deny", tokens: { master: management } } }
  const { address } = yield* startRealConsul(program ?? "", settings, management)
  const put = (path: string, body: object) =>
    Effect.promise(async () => {
      const headers = { "x-consul-token": management }
      const response = await fetch(`${address}${path}`, { method: "PUT", headers, body: JSON.stringify(body) })
      if (!response.ok) throw new Error(await response.text())
      return Schema.decodeUnknownSync(Created)(await response.json())
    })
  const rules = [keys.jobs, keys.managed].map((place) => `key_prefix "${place}team-a/" { policy = "write" }`).join("\n")
  yield* put("/v1/acl/policy", { Name: "team-a", Rules: rules })
  const token = (yield* put("/v1/acl/token", { Policies: [{ Name: "team-a" }] })).SecretID
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => writeFile(`${folder}/web.yaml`, yaml("web")))
  const run = Effect.fnUntraced(function* (options: SyncOptions, as = token) {
    const io = recordedIo({ environment: { CONSUL_HTTP_ADDR: address, CONSUL_HTTP_TOKEN: as } })
    const ended = yield* sync(folder, options).pipe(
      Effect.provideService(Io, io.io),
      Effect.provide(NodeContext.layer),
      Effect.either
    )
    const code = Either.match(ended, { onLeft: ({ exitCode }) => exitCode, onRight: () => 0 })
    return { code, out: io.out(), err: io.err() }
  })
  const consul = yield* consulClient({ origin: address, token: Redacted.make(management) })
  return { run, consul, folder }
})

const title = `sync with a token that may do little${program === undefined ? " (no consul here)" : ""}`

describe.skipIf(program === undefined)(title, () => {
  it.scopedLive("writes and prunes what it may, and says what it may not", () =>
    Effect.gen(function* () {
      const { consul, folder, run } = yield* guarded
      assert.deepStrictEqual(yield* run({ prefix: "team-a" }), { code: 0, out: "created team-a/web\n", err: "" })
      yield* Effect.promise(() => writeFile(`${folder}/api.yaml`, yaml("api")))

      const denied = yield* run({ prefix: "team-b" })
      assert.deepStrictEqual([denied.code, denied.out], [1, ""])
      assert.match(denied.err, /^Error: team-b\/web .*(?:[Pp]ermission denied|lacks permission)/m)

      // What may not be read looks as if it weren't there: nothing is written, and nothing counts as gone.
      const blind = yield* run({ prefix: "team-a", prune: true }, "")
      assert.deepStrictEqual([blind.code, blind.out], [1, ""])
      const { value } = yield* Effect.orDie(consul.keys("jobforge-service/"))
      assert.deepStrictEqual(value, [`${keys.jobs}team-a/web`, `${keys.managed}team-a/web`])
    })
  )
})
