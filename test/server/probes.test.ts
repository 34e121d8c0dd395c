import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { HttpClient, HttpServer } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { LeaderStatus, type LeaderView } from "../../src/leader/LeaderStatus.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { probes } from "../../src/server/probes.ts"
import { Records } from "../../src/store/Records.ts"

const Health = Schema.Struct({
  status: Schema.String,
  services: Schema.Record({ key: Schema.String, value: Schema.String }),
  leader: Schema.Struct({ address: Schema.NullOr(Schema.String), self: Schema.Boolean }),
  timestamp: Schema.String
})

const nobody: LeaderView = { isLeader: false, holder: Option.none(), since: Option.none(), transitions: 0 }
const here: LeaderView = {
  isLeader: true,
  holder: Option.some({ address: "10.0.0.7:8080", id: "1", since: "2026-01-01T00:00:00.000Z" }),
  since: Option.some(1),
  transitions: 0
}

/** What `/health` answers while Consul and Nomad do this. */
const health = (view: LeaderView, nomad: Effect.Effect<string, Unavailable>) =>
  Effect.gen(function* () {
    yield* HttpServer.serveEffect(probes)
    const response = yield* HttpClient.get("/health")
    const body = yield* Effect.flatMap(response.json, Schema.decodeUnknown(Health, { onExcessProperty: "error" }))
    return { status: response.status, body }
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        NodeHttpServer.layerTest,
        Layer.mock(Consul, { leader: () => Effect.succeed("127.0.0.1:8300") }),
        Layer.mock(Nomad, { leader: () => nomad }),
        Layer.mock(Records, { get: () => Option.none(), names: () => [], weight: () => 0 }),
        Layer.succeed(LeaderStatus, { current: Effect.succeed(view) })
      )
    )
  )

it.scoped("names the leader beside the state of what the service depends on", () =>
  Effect.gen(function* () {
    const { body, status } = yield* health(here, Effect.succeed("127.0.0.1:4647"))
    assert.strictEqual(status, 200)
    assert.deepStrictEqual(body.services, { consul: "healthy", nomad: "healthy" })
    assert.deepStrictEqual(body.leader, { address: "10.0.0.7:8080", self: true })
  })
)

it.scoped("is well without a leader, and unwell without Nomad", () =>
  Effect.gen(function* () {
    const well = yield* health(nobody, Effect.succeed("127.0.0.1:4647"))
    assert.strictEqual(well.status, 200)
    assert.deepStrictEqual(well.body.leader, { address: null, self: false })
    const gone = new Unavailable({ system: "nomad", operation: "status.leader", detail: "a test" })
    const unwell = yield* health(nobody, Effect.fail(gone))
    assert.strictEqual(unwell.status, 503)
    assert.strictEqual(unwell.body.status, "unhealthy")
    assert.deepStrictEqual(unwell.body.services, { consul: "healthy", nomad: "unhealthy" })
  })
)
