import { FileSystem } from "@effect/platform"
import { SystemError } from "@effect/platform/Error"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Either, Redacted } from "effect"
import * as ConsulConfig from "../../src/consul/ConsulConfig.ts"

const certificate = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"

const files: Readonly<Record<string, string>> = {
  "/etc/consul/ca.pem": certificate,
  "/etc/consul/client.pem": `client ${certificate}`,
  "/etc/consul/client.key": "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
  "/etc/consul/token": "\n file-token \n",
  "/etc/consul/two-tokens": "one two",
  "/etc/consul/der": "not text"
}

const FilesLive = FileSystem.layerNoop({
  readFileString: (path) => {
    const content = files[path]
    return content === undefined
      ? Effect.fail(
          new SystemError({
            reason: "NotFound",
            module: "FileSystem",
            method: "readFileString",
            pathOrDescriptor: path
          })
        )
      : Effect.succeed(content)
  }
})

const load = (variables: Readonly<Record<string, string>>) =>
  ConsulConfig.load.pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))),
    Effect.provide(FilesLive),
    Effect.either
  )

const loaded = (variables: Readonly<Record<string, string>>) =>
  Effect.map(load(variables), (result) =>
    Either.match(result, {
      onLeft: (error) => assert.fail(error._op),
      onRight: ({ basicAuth, token, ...rest }) => ({
        ...rest,
        ...(token === undefined ? {} : { token: Redacted.value(token) }),
        ...(basicAuth === undefined ? {} : { basicAuth: Redacted.value(basicAuth) })
      })
    })
  )

const accepted: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, unknown]> = [
  ["nothing set is the local agent", {}, { origin: "http://127.0.0.1:8500" }],
  [
    "empty variables count as unset",
    { CONSUL_HTTP_ADDR: "", CONSUL_HTTP_TOKEN: " " },
    { origin: "http://127.0.0.1:8500" }
  ],
  ["host:port", { CONSUL_HTTP_ADDR: "consul.internal:8500" }, { origin: "http://consul.internal:8500" }],
  ["an IPv6 address", { CONSUL_HTTP_ADDR: "[::1]:8500" }, { origin: "http://[::1]:8500" }],
  ["an http address", { CONSUL_HTTP_ADDR: "http://consul:8500/" }, { origin: "http://consul:8500" }],
  ["an https address", { CONSUL_HTTP_ADDR: "https://consul:8501" }, { origin: "https://consul:8501" }],
  [
    "CONSUL_HTTP_SSL turns http into https",
    { CONSUL_HTTP_ADDR: "http://consul:8501", CONSUL_HTTP_SSL: "true" },
    { origin: "https://consul:8501" }
  ],
  [
    "CONSUL_HTTP_SSL=0 leaves https alone",
    { CONSUL_HTTP_ADDR: "https://c", CONSUL_HTTP_SSL: "0" },
    { origin: "https://c" }
  ],
  [
    "a Unix socket",
    { CONSUL_HTTP_ADDR: "unix:///run/consul.sock" },
    { origin: "http://localhost", socketPath: "/run/consul.sock" }
  ],
  [
    "token, namespace and datacenter",
    { CONSUL_HTTP_TOKEN: "t-1", CONSUL_NAMESPACE: "team", CONSUL_DATACENTER: "dc2", CONSUL_HTTP_AUTH: "u:p w" },
    { origin: "http://127.0.0.1:8500", token: "t-1", namespace: "team", datacenter: "dc2", basicAuth: "u:p w" }
  ],
  [
    "a token file, which wins over a token",
    { CONSUL_HTTP_TOKEN: "t-1", CONSUL_HTTP_TOKEN_FILE: "/etc/consul/token" },
    { origin: "http://127.0.0.1:8500", token: "file-token" }
  ],
  [
    "certificates",
    {
      CONSUL_HTTP_ADDR: "https://consul:8501",
      CONSUL_CACERT: "/etc/consul/ca.pem",
      CONSUL_CLIENT_CERT: "/etc/consul/client.pem",
      CONSUL_CLIENT_KEY: "/etc/consul/client.key",
      CONSUL_TLS_SERVER_NAME: "server.dc1.consul"
    },
    {
      origin: "https://consul:8501",
      tls: {
        ca: files["/etc/consul/ca.pem"],
        cert: files["/etc/consul/client.pem"],
        key: files["/etc/consul/client.key"],
        servername: "server.dc1.consul"
      }
    }
  ],
  [
    "verification switched off",
    { CONSUL_HTTP_SSL_VERIFY: "false" },
    { origin: "http://127.0.0.1:8500", tls: { rejectUnauthorized: false } }
  ]
]

const refused: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, string, RegExp]> = [
  ["an unknown scheme", { CONSUL_HTTP_ADDR: "ftp://consul" }, "CONSUL_HTTP_ADDR", /unknown scheme; give host:port/],
  ["no address at all", { CONSUL_HTTP_ADDR: "http://:x" }, "CONSUL_HTTP_ADDR", /is no address; give host:port/],
  ["a path", { CONSUL_HTTP_ADDR: "http://proxy/consul" }, "CONSUL_HTTP_ADDR", /path or query/],
  ["a relative socket", { CONSUL_HTTP_ADDR: "unix://run/x" }, "CONSUL_HTTP_ADDR", /must be absolute/],
  ["a password in the address", { CONSUL_HTTP_ADDR: "http://u:hunter2@c" }, "CONSUL_HTTP_ADDR", /CONSUL_HTTP_AUTH/],
  ["a flag that is neither", { CONSUL_HTTP_SSL: "maybe" }, "CONSUL_HTTP_SSL", /neither true nor false/],
  ["a token of two lines", { CONSUL_HTTP_TOKEN: "hunter2\nx" }, "CONSUL_HTTP_TOKEN", /plain characters/],
  ["a token file that isn't there", { CONSUL_HTTP_TOKEN_FILE: "/no" }, "CONSUL_HTTP_TOKEN_FILE", /\/no can't be read/],
  [
    "a file of two tokens",
    { CONSUL_HTTP_TOKEN_FILE: "/etc/consul/two-tokens" },
    "CONSUL_HTTP_TOKEN_FILE",
    /exactly one token/
  ],
  [
    "a certificate that isn't there",
    { CONSUL_CACERT: "/no.pem" },
    "CONSUL_CACERT",
    /\/no.pem can't be read \(NotFound\)/
  ],
  ["a certificate that isn't PEM", { CONSUL_CACERT: "/etc/consul/der" }, "CONSUL_CACERT", /is no PEM file/],
  [
    "a certificate without its key",
    { CONSUL_CLIENT_CERT: "/etc/consul/client.pem" },
    "CONSUL_CLIENT_KEY",
    /CONSUL_CLIENT_CERT is set and needs it/
  ],
  [
    "a key without its certificate",
    { CONSUL_CLIENT_KEY: "/etc/consul/client.key" },
    "CONSUL_CLIENT_CERT",
    /CONSUL_CLIENT_KEY is set and needs it/
  ]
]

describe("the environment's Consul", () => {
  for (const [what, variables, expected] of accepted) {
    it.effect(`is understood: ${what}`, () =>
      Effect.map(loaded(variables), (config) => assert.deepStrictEqual(config, expected))
    )
  }

  for (const [what, variables, variable, why] of refused) {
    it.effect(`is refused by the variable's name: ${what}`, () =>
      Effect.map(load(variables), (result) => {
        const message = Either.match(result, { onLeft: String, onRight: () => "accepted" })
        assert.include(message, variable)
        assert.match(message, why)
        assert.notInclude(message, "hunter2")
      })
    )
  }

  it.effect("doesn't show its secrets when it is printed", () =>
    Effect.map(load({ CONSUL_HTTP_TOKEN: "hunter2", CONSUL_HTTP_AUTH: "me:hunter2" }), (config) => {
      assert.notInclude(JSON.stringify(config), "hunter2")
      assert.notInclude(String(config), "hunter2")
    })
  )
})
