import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Redacted, Schema, Scope, Stream } from "effect"
import { makeEndpoint } from "../../src/http/Transport.ts"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { nomadProgram, startRealNomad } from "../support/RealNomad.ts"
import { startRealNomadCluster } from "../support/RealNomadCluster.ts"
import { nomadConformance } from "./nomad.ts"
import { nomadArea, rawExec, unknownAllocation } from "./nomadArea.ts"

const program = nomadProgram()

const title =
  program === undefined ? "a real Nomad is not here: put nomad on the PATH, or name it in NOMAD_BIN" : "a real Nomad"

describe.skipIf(program === undefined)(title, () => {
  const scope = Effect.runSync(Scope.make())
  let address = ""

  beforeAll(async () => {
    address = await Effect.runPromise(Scope.extend(startRealNomad(program ?? ""), scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  nomadConformance("it", () => address, {
    startNodes: startRealNomadCluster(program ?? "", 1),
    startServer: Effect.map(startRealNomadCluster(program ?? "", 1), ({ address: first, servers: [server] }) =>
      server === undefined
        ? assert.fail("no server")
        : { address: first, restart: Effect.zipRight(server.kill, server.start) }
    ),
    startLeaning: Effect.map(startRealNomadCluster(program ?? "", 2), ({ address: first, servers: [, other] }) =>
      other === undefined
        ? assert.fail("no second server")
        : { address: first, killOther: other.kill, startOther: other.start }
    )
  })

  it.scopedLive(
    "with ACLs denies by name whatever a token may not do, and an event stream waits for one that may",
    () =>
      Effect.gen(function* () {
        const origin = yield* startRealNomad(program ?? "", { acl: true })
        const secret = yield* bootstrap(origin)
        const allowed = yield* nomadClient({ ...plainNomad(origin), token: Option.some(Redacted.make(secret)) })
        const anonymous = yield* nomadClient(plainNomad(origin))
        const stranger = yield* nomadClient({ ...plainNomad(origin), token: Option.some(Redacted.make(unknown)) })
        assert.deepStrictEqual((yield* allowed.jobs("")).value, [])
        const job = (yield* nomadArea(origin, rawExec)).job("true")
        const denied = [
          yield* Effect.flip(anonymous.register(job)),
          yield* Effect.flip(anonymous.validate(job)),
          yield* Effect.flip(anonymous.job("denied")),
          yield* Effect.flip(anonymous.stop("denied")),
          yield* Effect.flip(anonymous.allocations("denied")),
          yield* Effect.flip(anonymous.evaluations("denied")),
          yield* Effect.flip(anonymous.nodes()),
          yield* Effect.flip(anonymous.systemGc()),
          yield* Effect.flip(anonymous.agentSelf()),
          yield* Effect.flip(stranger.job("denied")),
          yield* Effect.flip(stranger.jobs(""))
        ]
        assert.deepStrictEqual(
          denied.map(({ _tag }) => _tag),
          denied.map(() => "Denied")
        )
        const first = (nomad: Nomad["Type"]) =>
          nomad.events(["Job"], Option.none()).pipe(Stream.runHead, Effect.timeoutOption("2 seconds"))
        assert.isTrue(Option.isSome(yield* first(allowed)))
        assert.isTrue(Option.isNone(yield* first(anonymous)))
      }),
    60_000
  )

  it.scopedLive(
    "with ACLs lets a token read logs, and files, only if its policy names them",
    () =>
      Effect.gen(function* () {
        const origin = yield* startRealNomad(program ?? "", { acl: true })
        const secret = yield* bootstrap(origin)
        const area = yield* nomadArea(origin, rawExec, Option.some(Redacted.make(secret)))
        const allocation = yield* area.run('echo out; printf file > "$NOMAD_ALLOC_DIR/result.json"; sleep 0.5')
        yield* area.becomes("Succeeded")
        const holderOf = Effect.fnUntraced(function* (name: string, capabilities: ReadonlyArray<string>) {
          const token = Option.some(Redacted.make(yield* tokenFor(origin, secret, name, capabilities)))
          const nomad = yield* nomadClient({ ...plainNomad(origin), token })
          // What its policy does give.
          assert.isTrue(Option.isSome(yield* nomad.job(area.id)))
          assert.lengthOf(yield* nomad.allocations(area.id), 1)
          const tried = [
            nomad.logs(allocation, "main", "stdout"),
            Stream.runHead(nomad.followLogs(allocation, "main", "stdout", 0)),
            nomad.readFile(allocation, "alloc/result.json"),
            nomad.logs(unknownAllocation, "main", "stdout"),
            nomad.stop(area.id),
            nomad.register(area.job("true"))
          ]
          return yield* Effect.forEach(tried, (call) =>
            Effect.match(call, { onFailure: ({ _tag }) => _tag, onSuccess: () => "given" })
          )
        })
        const rights = {
          none: yield* holderOf("none", ["list-jobs", "read-job"]),
          logs: yield* holderOf("logs", ["list-jobs", "read-job", "read-logs"]),
          files: yield* holderOf("files", ["list-jobs", "read-job", "read-fs"])
        }
        assert.deepStrictEqual(rights, {
          none: ["Denied", "Denied", "Denied", "NotFound", "Denied", "Denied"],
          logs: ["given", "given", "Denied", "NotFound", "Denied", "Denied"],
          files: ["given", "given", "given", "NotFound", "Denied", "Denied"]
        })
      }),
    60_000
  )
})

/** The secret of a new token that may do just this in the default namespace. */
const tokenFor = Effect.fnUntraced(function* (
  origin: string,
  secret: string,
  name: string,
  capabilities: ReadonlyArray<string>
) {
  const endpoint = yield* makeEndpoint({ origin, headers: { "x-nomad-token": secret } })
  const post = (path: string, body: unknown) =>
    endpoint.request({ method: "POST", path, body: encodeJson(body), timeout: "15 seconds" })
  const Rules = `namespace "default" { capabilities = ${encodeJson(capabilities)} }`
  yield* post(`/v1/acl/policy/${name}`, { Name: name, Rules })
  const { body } = yield* post("/v1/acl/token", { Name: name, Type: "client", Policies: [name] })
  return (yield* Schema.decode(Token)(new TextDecoder().decode(body))).SecretID
})

const encodeJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const unknown = "5f1b1a3c-0000-4000-8000-00000000abcd"

/** The first management token, which Nomad gives to whoever asks first. */
const bootstrap = Effect.fnUntraced(function* (origin: string) {
  const endpoint = yield* makeEndpoint({ origin })
  const { body } = yield* endpoint.request({ method: "POST", path: "/v1/acl/bootstrap", timeout: "15 seconds" })
  const token = yield* Schema.decode(Token)(new TextDecoder().decode(body))
  return token.SecretID
})

const Token = Schema.parseJson(Schema.Struct({ SecretID: Schema.String }))
