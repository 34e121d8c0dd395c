import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { httpDesk } from "../server/httpDesk.ts"
import { alone, field, namesOf, time } from "../server/httpScenes.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { freePort } from "../support/freePort.ts"
import { setStage } from "../zoo/support/Stage.ts"

describe("the interface's section 2.10", () => {
  it.scoped("2.10: /health answers 200 healthy with services consul and nomad and a timestamp, to any method", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const method of ["GET", "POST", "PUT", "DELETE"]) {
          const { json, status } = yield* desk.ask("/health", { method })
          assert.strictEqual(status, 200, method)
          assert.deepStrictEqual(namesOf(json).slice(0, 2), ["status", "services"])
          assert.strictEqual(namesOf(json).at(-1), "timestamp")
          assert.deepInclude(json, { status: "healthy", services: { consul: "healthy", nomad: "healthy" } })
          assert.match(String(field(json, "timestamp")), time)
        }
      })
    )
  )

  for (const sick of ["consul", "nomad"] as const) {
    it.scoped(`2.10: /health answers 503 unhealthy as JSON when ${sick} is unhealthy`, () =>
      Effect.gen(function* () {
        const away = () => new Unavailable({ system: sick, operation: "status.leader", detail: "connection refused" })
        const consul = yield* Consul
        const nomad = yield* Nomad
        const desk = yield* httpDesk(
          sick === "consul" ? { consul: { ...consul, leader: away } } : { consul, nomad: { ...nomad, leader: away } }
        )
        const { headers, json, status } = yield* desk.ask("/health")
        assert.strictEqual(status, 503)
        assert.match(headers.get("content-type") ?? "", /^application\/json/)
        const services = { consul: "healthy", nomad: "healthy", [sick]: "unhealthy" }
        assert.deepInclude(json, { status: "unhealthy", services })
      }).pipe(Effect.provide(Layer.merge(embeddedConsul, Layer.mock(Nomad, { leader: () => Effect.succeed("n") }))))
    )
  }

  it.scoped("2.10: /ready answers 200 ready with a timestamp", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const { json, status } = yield* desk.ask("/ready")
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(namesOf(json), ["status", "timestamp"])
        assert.strictEqual(field(json, "status"), "ready")
        assert.match(String(field(json, "timestamp")), time)
      })
    )
  )

  it.scoped("2.10: /ready answers 503 without Consul, and says so", () =>
    Effect.gen(function* () {
      const away = () => new Unavailable({ system: "consul", operation: "status.leader", detail: "connection refused" })
      const desk = yield* httpDesk({ consul: { ...(yield* Consul), leader: away } })
      const { json, status } = yield* desk.ask("/ready")
      assert.strictEqual(status, 503)
      assert.strictEqual(field(json, "status"), "not ready")
      assert.match(String(field(json, "reasons", 0)), /Consul/)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("2.10: /health and /ready are on SERVER_PORT, and /metrics is text on METRICS_PORT", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const [port, metricsPort] = [yield* freePort, yield* freePort]
      yield* stage.serve({ environment: { SERVER_PORT: String(port), METRICS_PORT: String(metricsPort) } })
      const ask = (at: number, path: string) =>
        Effect.tryPromise(async (signal) => {
          const response = await fetch(`http://127.0.0.1:${at}${path}`, { signal })
          return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
        })
      const answers = (at: number, path: string) =>
        Effect.map(Effect.option(ask(at, path)), (answer) => answer._tag === "Some" && answer.value.status === 200)
      for (const path of ["/health", "/ready"]) yield* eventually(`${path} is well`, answers(port, path))
      yield* eventually("the metrics are served", answers(metricsPort, "/metrics"))
      const metrics = yield* Effect.orDie(ask(metricsPort, "/metrics"))
      assert.match(metrics.type ?? "", /^text\/plain; version=0\.0\.4/)
      assert.include(metrics.text, "# TYPE total_jobs counter")
      assert.strictEqual((yield* Effect.orDie(ask(port, "/metrics"))).status, 404)
    })
  )
})
