import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createHttps } from "node:https"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted, type Scope } from "effect"
import type { ConsulConfig } from "../../src/consul/ConsulConfig.ts"
import { Pacemaker, type PacePlan } from "../../src/leader/Pacemaker.ts"
import * as ThreadPacemaker from "../../src/leader/ThreadPacemaker.ts"
import { hasOpenssl, makeCertificates } from "../support/certificates.ts"
import { eventually } from "../support/eventually.ts"

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
}

/** Answers as the script says, a held key by default; gone with the scope. */
const serve = (
  make: (handle: (request: IncomingMessage, response: ServerResponse) => void) => Server,
  at: { readonly port: number; readonly host: string } | { readonly path: string },
  answer: (asked: Asked, response: ServerResponse) => void
) =>
  Effect.gen(function* () {
    const seen: Array<Asked> = []
    const server = yield* Effect.acquireRelease(
      Effect.async<Server>((resume) => {
        const made = make((request, response) => {
          const asked = { method: request.method ?? "", url: request.url ?? "", headers: request.headers }
          seen.push(asked)
          request.resume()
          answer(asked, response)
        })
        made.listen(at, () => resume(Effect.succeed(made)))
      }),
      (running) =>
        Effect.async<void>((resume) => {
          running.close(() => resume(Effect.void))
          running.closeAllConnections()
        })
    )
    const address = server.address()
    return { seen, port: typeof address === "object" && address !== null ? address.port : 0 }
  })

const held = ({ url }: Asked, response: ServerResponse): void =>
  void response.end(url.startsWith("/v1/kv/") ? '[{"Session":"the-session"}]' : "")

const begin = (
  config: ConsulConfig,
  changes: Partial<PacePlan> = {}
): Effect.Effect<
  { readonly pulse: Effect.Effect.Success<ReturnType<Pacemaker["Type"]["start"]>>; readonly since: PacePlan["since"] },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const pacemaker = Context.get(yield* Layer.build(ThreadPacemaker.layerOf(config)), Pacemaker)
    const since = yield* pacemaker.now
    const pulse = yield* pacemaker.start({
      session: "the-session",
      key: "prefix/the leader",
      check: Option.some("the check"),
      ttl: 3000,
      beatEvery: 50,
      confirmEvery: 50,
      since,
      ...changes
    })
    yield* pulse.lead(since)
    return { pulse, since }
  })

/** Reports and confirmations get through. */
const thrives = ({ pulse, since }: Effect.Effect.Success<ReturnType<typeof begin>>) =>
  eventually(
    "both kinds of news arrive",
    Effect.map(pulse.vitals, ({ beat, confirmed }) => beat.steady > since.steady && confirmed.steady > since.steady)
  )

const local = { port: 0, host: "127.0.0.1" }

describe("the pacemaker's thread", () => {
  it.scopedLive.skipIf(!hasOpenssl)("shows its token and certificate to a server that it trusts, and to no other", () =>
    Effect.gen(function* () {
      const { ca, clientCert, clientKey, serverCert, serverKey } = yield* makeCertificates
      const server = yield* serve(
        (handle) => createHttps({ ca, cert: serverCert, key: serverKey, requestCert: true }, handle),
        local,
        held
      )
      const origin = `https://127.0.0.1:${server.port}`
      const token = Redacted.make("a-token")
      const tls = { ca, cert: clientCert, key: clientKey, servername: "server.dc1.consul" }
      const trusted = begin({ origin, token, tls, datacenter: "dc 2", namespace: "team" })
      yield* Effect.scoped(Effect.flatMap(trusted, thrives))
      assert.strictEqual(server.seen[0]?.headers["x-consul-token"], "a-token")
      assert.isTrue(
        server.seen.some(({ url }) => url === "/v1/kv/prefix/the%20leader?consistent&dc=dc+2&ns=team"),
        JSON.stringify(server.seen.map(({ url }) => url))
      )
      const asked = server.seen.length
      const { pulse } = yield* begin({ origin, token })
      yield* eventually("it says why not", Effect.map(pulse.trouble, Option.isSome))
      assert.match(Option.getOrThrow(yield* pulse.trouble), /certificate/)
      assert.strictEqual(server.seen.length, asked)
      assert.isTrue(Option.isNone((yield* pulse.vitals).end))
    })
  )

  it.scopedLive("speaks over a Unix socket", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "jobforge-socket-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const socketPath = join(folder, "consul.sock")
      yield* serve(createHttp, { path: socketPath }, held)
      yield* thrives(yield* begin({ origin: "http://localhost", socketPath }))
    })
  )

  it.scopedLive("renews a session that has no check", () =>
    Effect.gen(function* () {
      const server = yield* serve(createHttp, local, held)
      yield* thrives(yield* begin({ origin: `http://127.0.0.1:${server.port}` }, { check: Option.none() }))
      assert.isTrue(server.seen.some(({ url }) => url === "/v1/session/renew/the-session"))
    })
  )

  it.scopedLive("ends with a key that the servers say is another's, or is not there", () =>
    Effect.gen(function* () {
      for (const body of ['[{"Session":"another"}]', '[{"Key":"unlocked"}]', ""]) {
        const server = yield* serve(createHttp, local, ({ url }, response) => {
          if (!url.startsWith("/v1/kv/")) return void response.end()
          response.writeHead(body === "" ? 404 : 200, { "X-Consul-Index": "7" }).end(body)
        })
        const { pulse } = yield* begin({ origin: `http://127.0.0.1:${server.port}` })
        yield* pulse.ended
        assert.deepStrictEqual((yield* pulse.vitals).end, Option.some("KeyLost"))
      }
    })
  )

  it.scopedLive("takes nothing but Consul's own words for the end", () =>
    Effect.gen(function* () {
      const answers = [
        [404, "not found"],
        [200, "<html>a proxy</html>"],
        [500, "No cluster leader"],
        [502, "a proxy"]
      ] as const
      for (const [status, body] of answers) {
        const server = yield* serve(createHttp, local, ({ url }, response) =>
          url.startsWith("/v1/kv/") ? void response.writeHead(status).end(body) : void response.end()
        )
        const { pulse, since } = yield* begin({ origin: `http://127.0.0.1:${server.port}` })
        yield* eventually("it has complained", Effect.map(pulse.trouble, Option.isSome))
        const { confirmed, end } = yield* pulse.vitals
        assert.deepStrictEqual(end, Option.none())
        assert.strictEqual(confirmed.steady, since.steady)
      }
    })
  )

  it.scopedLive("ends with a check that the agent doesn't know, in the words of old agents and new ones", () =>
    Effect.gen(function* () {
      const answers = [
        [500, 'CheckID "the check" does not have associated TTL'],
        [404, 'Unknown check ID "the check"']
      ] as const
      for (const [status, body] of answers) {
        const server = yield* serve(createHttp, local, (_, response) => void response.writeHead(status).end(body))
        const { pulse } = yield* begin({ origin: `http://127.0.0.1:${server.port}` })
        yield* pulse.ended
        assert.deepStrictEqual((yield* pulse.vitals).end, Option.some("ProofGone"))
      }
    })
  )

  it.scopedLive("ends with a report that is answered after the session may have ended", () =>
    Effect.gen(function* () {
      let late = 0
      const server = yield* serve(createHttp, local, (asked, response) => {
        late += 1
        setTimeout(() => held(asked, response), late < 10 ? 0 : 400)
      })
      const { pulse } = yield* begin({ origin: `http://127.0.0.1:${server.port}` }, { ttl: 300 })
      yield* pulse.ended
      assert.deepStrictEqual((yield* pulse.vitals).end, Option.some("Lapsed"))
    })
  )

  it.scopedLive("stops with its scope", () =>
    Effect.gen(function* () {
      const server = yield* serve(createHttp, local, held)
      yield* Effect.scoped(Effect.flatMap(begin({ origin: `http://127.0.0.1:${server.port}` }), thrives))
      const asked = server.seen.length
      yield* Effect.sleep(500)
      assert.strictEqual(server.seen.length, asked)
    })
  )
})
