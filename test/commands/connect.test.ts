import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type ConnectOptions } from "../../src/commands/connect.ts"
import { Consul } from "../../src/consul/Consul.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { freePort } from "../support/freePort.ts"
import { put, recorded, scratch, system } from "./support/scratch.ts"

/** No Consul of the machine's own has a say. */
const silence = { CONSUL_HTTP_ADDR: "http://127.0.0.1:1" }

const found = (options: ConnectOptions, environment: Readonly<Record<string, string>>) =>
  recorded(
    Effect.map(connect(options), ({ baseUrl }) => baseUrl),
    { environment }
  )

describe("the service that a command talks to", () => {
  it.effect.each([
    ["http://a:1/", {}, "http://a:1"],
    ["a:1", { JOB_SERVICE_URL: "http://b:2" }, "http://a:1"],
    [undefined, { JOB_SERVICE_URL: "http://b:2/" }, "http://b:2"],
    ["https://a/forge/", {}, "https://a/forge"]
  ] as const)("%s before %o is %s", ([url, environment, expected]) =>
    found(url === undefined ? {} : { url }, { ...silence, ...environment }).pipe(
      Effect.map(({ result }) => assert.strictEqual(result, expected)),
      Effect.provide(system)
    )
  )

  it.effect.each(["", "not a url", "ftp://a", "http://"] as const)("is refused as an address: %o", (url) =>
    Effect.flip(found({ url }, silence)).pipe(
      Effect.map((error) => {
        assert.strictEqual(error.exitCode, 2)
        assert.match(error.message, /^--url: .*give it as http:\/\/host:port$/)
      }),
      Effect.provide(system)
    )
  )

  it.scopedLive("is a healthy instance of Consul's catalog where nobody names one", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const { address } = yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0, data: folder })
      const service = { id: "one", name: "jobforge-service", address: "192.0.2.1", port: 8080 }
      const consul = ConsulHttp.layerOf({ origin: address })
      yield* Effect.provide(
        Effect.flatMap(Consul, (api) => api.registerService(service)),
        consul
      )
      const { result } = yield* found({}, { CONSUL_HTTP_ADDR: address })
      assert.strictEqual(result, "http://192.0.2.1:8080")
    }).pipe(Effect.provide(system))
  )

  it.live("is on this machine where Consul knows none, and a Consul that was named is missed aloud", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const { io, result } = yield* found({}, { CONSUL_HTTP_ADDR: `http://127.0.0.1:${port}` })
      assert.strictEqual(result, "http://localhost:8080")
      assert.match(io.err(), /^Warning: the service can't be looked up in Consul: /)
      assert.strictEqual(io.out(), "")
    }).pipe(Effect.provide(system))
  )

  it.scopedLive("is shown the token of the file, and a file that can't be read is named", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      yield* put(`${folder}/token`, "s3cret\n")
      const environment = { ...silence, JOB_SERVICE_URL: "http://a:1" }
      yield* found({ tokenFile: `${folder}/token` }, environment)
      const error = yield* Effect.flip(found({ tokenFile: `${folder}/none` }, environment))
      assert.strictEqual(error.exitCode, 2)
      assert.include(error.message, `${folder}/none`)
    }).pipe(Effect.provide(system))
  )
})
