import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Inspectable, Layer } from "effect"
import { load } from "../../src/nomad/NomadConfig.ts"
import { readSettings } from "../../src/store/Settings.ts"

/** How Nomad is reached with this address in the environment. */
const nomad = (address: string) =>
  load.pipe(
    Effect.provide(
      Layer.merge(
        NodeFileSystem.layer,
        Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["NOMAD_ADDR", address]])))
      )
    )
  )

const sources = (environment: Readonly<Record<string, string>>) =>
  readSettings(environment, {}).faults.map(({ source }) => source)

describe("the interface's Appendix B, settings", () => {
  it("Appendix B: without settings the port is 8080 and a build may take 30 minutes", () => {
    const { faults, settings } = readSettings({}, {})
    assert.deepStrictEqual(faults, [])
    assert.strictEqual(settings.server.port, 8080)
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.buildTimeout), 30)
  })

  it("Appendix B: SERVER_PORT=9090 and BUILD_TIMEOUT=45m are what they say", () => {
    const { faults, settings } = readSettings({ SERVER_PORT: "9090", BUILD_TIMEOUT: "45m" }, {})
    assert.deepStrictEqual(faults, [])
    assert.strictEqual(settings.server.port, 9090)
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.buildTimeout), 45)
  })

  it.effect("Appendix B: NOMAD_ADDR is the address of Nomad", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* nomad("http://nomad.example:4646")).origin, "http://nomad.example:4646")
    })
  )

  it("Appendix B: the port 0 is invalid, and SERVER_PORT is named", () => {
    assert.deepStrictEqual(sources({ SERVER_PORT: "0" }), ["environment SERVER_PORT"])
  })

  it("Appendix B: a timeout of 0 is invalid, and BUILD_TIMEOUT is named", () => {
    for (const zero of ["0", "0s", "0m"]) {
      assert.deepStrictEqual(sources({ BUILD_TIMEOUT: zero }), ["environment BUILD_TIMEOUT"])
    }
  })

  it.effect("Appendix B: an address of Nomad without a host is invalid, and an empty one is the local agent's", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(nomad("http://"))
      assert.match(Inspectable.toStringUnknown(error), /NOMAD_ADDR/)
      assert.strictEqual((yield* nomad("")).origin, "http://127.0.0.1:4646")
    })
  )
})
