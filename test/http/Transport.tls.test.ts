import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer as createHttp } from "node:http"
import { createServer as createHttps } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TLSSocket } from "node:tls"
import { makeEndpoint, type TlsOptions } from "../../src/http/Transport.ts"
import { type Certificates, hasOpenssl, makeCertificates } from "../support/certificates.ts"

/** Answers with the name on the client's certificate. */
const tlsServer = ({ ca, serverCert, serverKey }: Certificates): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<ReturnType<typeof createHttps>>((resume) => {
        const server = createHttps(
          { ca, cert: serverCert, key: serverKey, requestCert: true, rejectUnauthorized: false },
          (request, response) => {
            const { socket } = request
            const name =
              socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate().subject.CN : "nobody"
            response.end(name)
          }
        )
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    (server) => {
      const address = server.address()
      return `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    }
  )

const ask = (origin: string, tls: TlsOptions) =>
  Effect.flatMap(makeEndpoint({ origin, tls }), (endpoint) =>
    Effect.map(endpoint.request({ method: "GET", path: "/", timeout: "5 seconds" }), ({ body }) =>
      new TextDecoder().decode(body)
    )
  )

describe.skipIf(!hasOpenssl)(
  hasOpenssl ? "Transport over TLS" : "Transport over TLS needs openssl to make certificates",
  () => {
    it.scopedLive("shows its certificate to a server that it trusts", () =>
      Effect.gen(function* () {
        const certificates = yield* makeCertificates
        const { ca, clientCert: cert, clientKey: key } = certificates
        const origin = yield* tlsServer(certificates)
        const servername = "server.dc1.consul"
        assert.strictEqual(yield* ask(origin, { ca, cert, key, servername }), "the-client")
        assert.strictEqual(yield* ask(origin, { ca, servername }), "nobody")
      })
    )

    it.scopedLive("refuses a server whose certificate isn't trusted or is another's", () =>
      Effect.gen(function* () {
        const certificates = yield* makeCertificates
        const origin = yield* tlsServer(certificates)
        const untrusted = yield* Effect.flip(ask(origin, { servername: "localhost" }))
        const another = yield* Effect.flip(ask(origin, { ca: certificates.ca, servername: "elsewhere" }))
        assert.match(untrusted.detail, /certificate/)
        assert.match(another.detail, /altnames/)
      })
    )

    it.scopedLive("takes any certificate when verification is switched off", () =>
      Effect.gen(function* () {
        const origin = yield* tlsServer(yield* makeCertificates)
        assert.strictEqual(yield* ask(origin, { rejectUnauthorized: false }), "nobody")
      })
    )
  }
)

describe("Transport over a Unix socket", () => {
  it.scopedLive("reaches the server behind it", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "jobforge-socket-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const socketPath = join(folder, "http.sock")
      yield* Effect.acquireRelease(
        Effect.async<ReturnType<typeof createHttp>>((resume) => {
          const server = createHttp((request, response) => response.end(`${request.headers.host}${request.url}`))
          server.listen(socketPath, () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.async<void>((resume) => {
            server.close(() => resume(Effect.void))
            server.closeAllConnections()
          })
      )
      const endpoint = yield* makeEndpoint({ origin: "http://localhost", socketPath })
      const { body } = yield* endpoint.request({ method: "GET", path: "/v1", timeout: "5 seconds" })
      assert.strictEqual(new TextDecoder().decode(body), "localhost/v1")
    })
  )
})
