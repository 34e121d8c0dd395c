import { FileSystem } from "@effect/platform"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Inspectable, Layer, Option, Redacted } from "effect"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { credentials, load } from "../../src/nomad/NomadConfig.ts"
import * as NomadHttp from "../../src/nomad/NomadHttp.ts"

const withEnvironment = (variables: Readonly<Record<string, string>>) =>
  Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const loaded = (variables: Readonly<Record<string, string>>) =>
  load.pipe(Effect.provide(Layer.merge(NodeFileSystem.layer, withEnvironment(variables))))

const refused = (variables: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(loaded(variables)), (error) => Inspectable.toStringUnknown(error))

const pem = (name: string) => `-----BEGIN ${name}-----\nMA==\n-----END ${name}-----\n`

const files = Effect.gen(function* () {
  const system = yield* FileSystem.FileSystem
  const folder = yield* system.makeTempDirectoryScoped()
  const write = (name: string, text: string) =>
    Effect.as(system.writeFileString(`${folder}/${name}`, text), `${folder}/${name}`)
  return { folder, write }
}).pipe(Effect.provide(NodeFileSystem.layer))

describe("how Nomad is reached", () => {
  it.effect("is the local agent without any variable, and with empty ones", () =>
    Effect.gen(function* () {
      const expected = {
        origin: "http://127.0.0.1:4646",
        token: Option.none(),
        httpAuth: Option.none(),
        namespace: "default",
        region: Option.none()
      }
      assert.deepStrictEqual(yield* loaded({}), expected)
      const names = [
        "NOMAD_ADDR",
        "NOMAD_TOKEN",
        "NOMAD_NAMESPACE",
        "NOMAD_REGION",
        "NOMAD_CACERT",
        "NOMAD_SKIP_VERIFY"
      ]
      assert.deepStrictEqual(yield* loaded(Object.fromEntries(names.map((name) => [name, " "]))), expected)
    })
  )

  it.effect("is what the variables say, with the secrets redacted", () =>
    Effect.gen(function* () {
      const config = yield* loaded({
        NOMAD_ADDR: "https://nomad.example:4646/",
        NOMAD_TOKEN: "5ecret",
        NOMAD_HTTP_AUTH: "user:pass",
        NOMAD_NAMESPACE: "ci",
        NOMAD_REGION: "eu"
      })
      assert.deepInclude(config, { origin: "https://nomad.example:4646", namespace: "ci", region: Option.some("eu") })
      assert.notInclude(Inspectable.toStringUnknown(config), "5ecret")
      assert.deepStrictEqual(Option.map(config.token, Redacted.value), Option.some("5ecret"))
      assert.deepStrictEqual(credentials(config), { "x-nomad-token": "5ecret", authorization: "Basic dXNlcjpwYXNz" })
      assert.deepStrictEqual(credentials(yield* loaded({})), {})
    })
  )

  it.effect("can be a socket", () =>
    Effect.gen(function* () {
      const config = yield* loaded({ NOMAD_ADDR: "unix:///run/nomad/api.sock" })
      assert.deepInclude(config, { origin: "http://localhost", socketPath: "/run/nomad/api.sock" })
    })
  )

  it.effect("is refused with the variable and the mend when the address is none", () =>
    Effect.gen(function* () {
      const addresses = [
        "localhost:4646",
        "127.0.0.1",
        "ftp://x",
        "unix://relative",
        "http://x/v1",
        "http://u:p@x",
        "http://"
      ]
      for (const address of addresses) {
        const text = yield* refused({ NOMAD_ADDR: address })
        assert.include(text, "NOMAD_ADDR", address)
        assert.include(text, "write http://HOST:4646", address)
      }
    })
  )

  it.scoped("reads certificates from their files", () =>
    Effect.gen(function* () {
      const { write } = yield* files
      const config = yield* loaded({
        NOMAD_CACERT: yield* write("ca.pem", pem("CERTIFICATE")),
        NOMAD_CLIENT_CERT: yield* write("cert.pem", pem("CERTIFICATE")),
        NOMAD_CLIENT_KEY: yield* write("key.pem", pem("PRIVATE KEY")),
        NOMAD_TLS_SERVER_NAME: "client.global.nomad",
        NOMAD_SKIP_VERIFY: "true"
      })
      assert.deepStrictEqual(config.tls, {
        ca: pem("CERTIFICATE"),
        cert: pem("CERTIFICATE"),
        key: pem("PRIVATE KEY"),
        servername: "client.global.nomad",
        rejectUnauthorized: false
      })
      assert.isUndefined((yield* loaded({ NOMAD_SKIP_VERIFY: "0" })).tls)
    })
  )

  it.scoped("is refused for a certificate that can't be read, is none, or lacks its other half", () =>
    Effect.gen(function* () {
      const { folder, write } = yield* files
      const cert = yield* write("cert.pem", pem("CERTIFICATE"))
      const missing = yield* refused({ NOMAD_CACERT: `${folder}/nope.pem` })
      assert.include(missing, "NOMAD_CACERT")
      assert.include(missing, "nope.pem can't be read")
      const text = yield* refused({ NOMAD_CACERT: yield* write("text", "hello") })
      assert.include(text, "is no PEM file")
      assert.include(yield* refused({ NOMAD_CLIENT_CERT: cert }), "NOMAD_CLIENT_KEY")
      assert.include(yield* refused({ NOMAD_CLIENT_KEY: cert }), "NOMAD_CLIENT_CERT")
      const verify = yield* refused({ NOMAD_SKIP_VERIFY: "maybe" })
      assert.include(verify, "NOMAD_SKIP_VERIFY")
      assert.include(verify, "write true or false")
    })
  )

  it.effect("makes the client that the environment names, or says what is wrong with it", () =>
    Effect.gen(function* () {
      const answer = Effect.flatMap(Nomad, (nomad) => Effect.flip(nomad.leader()))
      const build = (address: string) =>
        answer.pipe(
          Effect.provide(
            NomadHttp.layer.pipe(
              Layer.provide(Layer.merge(NodeFileSystem.layer, withEnvironment({ NOMAD_ADDR: address })))
            )
          )
        )
      const error = yield* build("http://127.0.0.1:9")
      assert.strictEqual(error._tag, "Unavailable")
      assert.include(Inspectable.toStringUnknown(yield* Effect.flip(build("nowhere"))), "NOMAD_ADDR")
    })
  )
})
