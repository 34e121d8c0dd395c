import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { Vault } from "../../src/vault/Vault.ts"
import * as VaultHttp from "../../src/vault/VaultHttp.ts"
import { scriptedServer } from "../support/ScriptedServer.ts"

const version2 = [200, { data: { path: "secret/", options: { version: "2" } } }] as const
const version1 = [200, { data: { path: "old/", options: null } }] as const
const nothing = [404, { errors: [] }] as const
const refused = [403, { errors: ["permission denied"] }] as const

const metadata = (version: object) =>
  [
    200,
    { data: { current_version: 2, versions: { "1": { deletion_time: "", destroyed: false }, "2": version } } }
  ] as const

const against = (answers: Readonly<Record<string, readonly [number, unknown]>>) =>
  Effect.gen(function* () {
    const server = yield* scriptedServer(({ url }, response) => {
      const [status, body] = answers[url.slice("/v1/".length)] ?? refused
      response.writeHead(status).end(JSON.stringify(body))
    })
    const layer = VaultHttp.layerOf({
      origin: server.origin,
      mount: "secret",
      token: { _tag: "Given", token: Redacted.make("t") }
    })
    const context = yield* Layer.build(Layer.provide(layer, NodeContext.layer))
    return { presence: (yield* Effect.provide(Vault, context)).presence, server }
  })

describe("whether a secret is there", () => {
  it.scopedLive("is told by its metadata alone, for each style of a path", () =>
    Effect.gen(function* () {
      const { presence, server } = yield* against({
        "sys/internal/ui/mounts/secret/data/a": version2,
        "secret/metadata/a": metadata({ deletion_time: "", destroyed: false }),
        "secret/metadata/none": nothing,
        "secret/metadata/deleted": metadata({ deletion_time: "2026-11-20T10:00:00Z", destroyed: false }),
        "secret/metadata/destroyed": metadata({ deletion_time: "", destroyed: true }),
        "secret/metadata/empty": [200, { data: { current_version: 0, versions: {} } }],
        "sys/internal/ui/mounts/old/a": version1
      })
      assert.strictEqual(yield* presence("secret/data/a"), "present")
      assert.strictEqual(yield* presence("secret/a"), "present")
      assert.strictEqual(yield* presence("secret/none"), "missing")
      assert.strictEqual(yield* presence("secret/empty"), "missing")
      assert.strictEqual(yield* presence("secret/data/deleted"), "deleted")
      assert.strictEqual(yield* presence("secret/destroyed"), "deleted")
      assert.strictEqual(yield* presence("old/a"), "unversioned")
      assert.strictEqual(yield* presence("secret/forbidden"), "unknown")
      assert.isFalse(server.seen.some(({ url }) => /^\/v1\/(?:secret\/data|old)\//.test(url)))
    })
  )

  it.scopedLive("is looked for in the default engine where a path may name none", () =>
    Effect.gen(function* () {
      const { presence } = yield* against({
        "nomad/metadata/jobs/git": nothing,
        "secret/metadata/nomad/jobs/git": metadata({ deletion_time: "", destroyed: false }),
        "nomad/metadata/jobs/none": nothing,
        "secret/metadata/nomad/jobs/none": nothing,
        "nomad/metadata/jobs/half": nothing
      })
      assert.strictEqual(yield* presence("nomad/jobs/git"), "present")
      assert.strictEqual(yield* presence("nomad/jobs/none"), "missing")
      assert.strictEqual(yield* presence("nomad/jobs/half"), "unknown")
    })
  )

  it.scopedLive("is not known where Vault is away", () =>
    Effect.gen(function* () {
      const { presence } = yield* against({ "sys/internal/ui/mounts/secret/a": [503, { errors: ["Vault is sealed"] }] })
      assert.strictEqual((yield* Effect.flip(presence("secret/a")))._tag, "Unavailable")
      assert.strictEqual(
        yield* Effect.provide(
          Effect.flatMap(Vault, (vault) => vault.presence("x")),
          VaultHttp.disabled
        ),
        "unknown"
      )
    })
  )
})
