import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, vi } from "@effect/vitest"
import { Cause, Effect, Layer } from "effect"
import { Dice } from "../../scripts/chaos/Dice.ts"
import { brokenRef, endlessRef, failingTest, modelDriver } from "../../scripts/chaos/modelDriver.ts"
import { ModelRegistry } from "../../scripts/chaos/ModelRegistry.ts"
import { liveLogging } from "../../src/cli/logging.ts"
import { secretsIn } from "../../src/cli/ownSecrets.ts"
import { runService } from "../../src/cli/service.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { startEmbeddedNomad } from "../../src/embedded/nomad/EmbeddedNomad.ts"
import { secretsVault } from "../../src/embedded/SecretsVault.ts"
import * as ThreadPacemaker from "../../src/leader/ThreadPacemaker.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import { unpack } from "../../src/store/packing.ts"
import { consulClient } from "../support/consulClient.ts"
import { eventually } from "../support/eventually.ts"
import { freePort } from "../support/freePort.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { scriptedServer } from "../support/ScriptedServer.ts"
import { keys } from "../zoo/support/Stage.ts"
import { findCanaries } from "./findCanaries.ts"
import { leakyDriver } from "./leakyDriver.ts"

/** Each as long as needs be to be no chance, with what shells, URLs and JSON have to quote. */
const canaries = {
  gitPassword: `GPw7f3a'9c"1e$5b`,
  gitKeyLine: "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB",
  registryPassword: "RPw+41/7c=d09e&2b",
  temporaryPassword: "TPw-77aa21cc90ee",
  vaultPlain: `VPl\\8d40 6e#b2%f1`,
  vaultLineOne: "VL1-0d9c8b7a6f5e4d3c",
  vaultLineTwo: "VL2-3c4d5e6f7a8b9c0d",
  webhookSecret: "WSe-5566778899aabb",
  webhookHeader: "WHe-ccddeeff001122",
  operatorSecret: "OSe-3344556677aabb",
  operatorHeader: "OHe-9988776655ffee",
  consulToken: "CTo-1f2e3d4c5b6a7988",
  nomadToken: "NTo-8877665544332211",
  vaultToken: "hvs.VTo-0a1b2c3d4e5f60718293a4b5",
  ownRegistryPassword: "ORp-121314151617aa",
  apiToken: "ATo-bbaa99887766554433"
} as const

const secrets = {
  "secret/data/git": {
    username: "robot-of-git",
    password: canaries.gitPassword,
    ssh_key: `-----BEGIN OPENSSH PRIVATE KEY-----\n${canaries.gitKeyLine}\n-----END OPENSSH PRIVATE KEY-----\n`
  },
  "secret/data/registry": { username: "robot-of-registry", password: canaries.registryPassword },
  "secret/data/temporary": { username: "robot-of-builds", password: canaries.temporaryPassword },
  "secret/data/app": {
    plain: canaries.vaultPlain,
    lines: `${canaries.vaultLineOne}\n${canaries.vaultLineTwo}\n`
  }
}

const own = {
  CONSUL_HTTP_TOKEN: canaries.consulToken,
  NOMAD_TOKEN: canaries.nomadToken,
  VAULT_TOKEN: canaries.vaultToken,
  REGISTRY_PASSWORD: canaries.ownRegistryPassword,
  JOBFORGE_API_TOKEN: canaries.apiToken
}

const record = (image: string, webhook: object, more: object = {}) => ({
  owner: "canary",
  repo_url: "https://git.example.com/canary/app.git",
  image_name: `canary/${image}`,
  registry_url: "registry.example.com:5000",
  git_credentials_path: "secret/data/git",
  registry_credentials_path: "secret/data/registry",
  test: {
    commands: ["true"],
    vault_policies: ["app"],
    vault_secrets: [{ path: "secret/data/app", fields: { plain: "PLAIN", lines: "LINES" } }]
  },
  ...webhook,
  ...more
})

const failing = { test: { ...record("x", {}).test, commands: [failingTest] } }

interface World {
  readonly consul: Consul["Type"]
  readonly url: string
  readonly metrics: () => Effect.Effect<string>
  readonly receiver: Effect.Effect.Success<ReturnType<typeof scriptedServer>>
}

/** The whole service, over steps that tell all they know. */
const world = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-canary-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const file = join(folder, "secrets.json")
  yield* Effect.promise(() => writeFile(file, JSON.stringify(secrets)))
  const consulAddress = (yield* Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 }))).address
  const steps = leakyDriver(modelDriver(new ModelRegistry(), new Dice(1)), Object.values(own))
  const nomadAddress = (yield* startEmbeddedNomad({
    host: "127.0.0.1",
    port: 0,
    data: join(folder, "nomad"),
    hostVolumes: { "buildah-cache": folder },
    cpu: 10_000_000,
    memoryMb: 10_000_000,
    secrets: file
  }).pipe(Effect.provide(steps), Effect.orDie)).address
  const consul = yield* consulClient({ origin: consulAddress })
  const nomad = yield* nomadClient(plainNomad(nomadAddress))
  const receiver = yield* scriptedServer((_, response) => response.writeHead(500).end("no"))
  const port = yield* freePort
  const metricsPort = yield* freePort
  const environment = {
    ...own,
    NOMAD_DATACENTERS: "dc1",
    RETRY_BACKOFF: "100ms",
    KILL_TIMEOUT: "1s",
    MAX_ATTEMPTS: "1",
    LOG_LEVEL: "debug",
    REGISTRY_TEMP_CREDENTIALS_PATH: "secret/data/temporary",
    SERVER_HOST: "127.0.0.1",
    SERVER_PORT: String(port),
    METRICS_PORT: String(metricsPort),
    WEBHOOK_ALLOW: "127.0.0.0/8"
  }
  const logging = liveLogging("json", "debug", makeRedactor(secretsIn(environment)))
  const systems = Layer.mergeAll(
    Layer.succeed(Consul, consul),
    Layer.succeed(Nomad, nomad),
    ThreadPacemaker.layerOf({ origin: consulAddress }),
    secretsVault(file)
  )
  yield* runService({ environment, freshId: "canary", onSettings: () => {}, onServing: () => {} }).pipe(
    Effect.provide(Layer.merge(systems, logging.layer)),
    Effect.catchAllCause((cause) => (Cause.isInterruptedOnly(cause) ? Effect.void : Effect.die(cause))),
    Effect.forkScoped
  )
  const url = `http://127.0.0.1:${port}`
  yield* eventually(
    "the service answers",
    Effect.promise(() =>
      fetch(`${url}/ready`).then(
        ({ status }) => status === 200,
        () => false
      )
    )
  )
  const metrics = () => Effect.promise(async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text())
  return { consul, url, metrics, receiver }
})

const ask = ({ url }: World, path: string, body?: object) =>
  Effect.promise(async (signal): Promise<unknown> => {
    const post = { method: "POST", body: JSON.stringify(body) }
    const response = await fetch(`${url}${path}`, { signal, ...(body === undefined ? {} : post) })
    return response.json()
  })

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined

const stateOf = (stage: World, id: string) =>
  Effect.map(ask(stage, `/json/job/${id}/status`), (json) => String(member(json, "status")))

const until = (stage: World, id: string, wanted: (status: string) => boolean) =>
  eventually(`${id} is as wanted`, Effect.map(stateOf(stage, id), wanted))

const ended = (stage: World, id: string) => until(stage, id, (status) => status === "SUCCEEDED" || status === "FAILED")

/** Everything that the store holds, unpacked where it is packed. */
const everythingStored = ({ consul }: World) =>
  Effect.flatMap(consul.list(""), ({ value }) =>
    Effect.forEach(value, (entry) =>
      Effect.map(
        Effect.orElseSucceed(
          unpack(entry.value, () => "plain"),
          () => entry.value
        ),
        (content) => ({ key: entry.key, content })
      )
    )
  )

/** All that can be got without a body, about each of the jobs. */
const everythingAnswered = (stage: World, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const paths = member(yield* ask(stage, "/openapi.json"), "paths")
    const described = typeof paths === "object" && paths !== null ? Object.entries(paths) : []
    const readable = described.flatMap(([path, verbs]) => (member(verbs, "get") === undefined ? [] : [path]))
    assert.isAbove(readable.length, 10, "the interface describes what can be read")
    const asked = [...readable, "/nothing", "/docs", "/health", "/ready"]
    const places = asked.flatMap((path) =>
      path.includes("{")
        ? ids.map((id) => path.replaceAll(/\{[^}]+\}/g, (name) => (name === "{phase}" ? "test" : id)))
        : [path]
    )
    return yield* Effect.forEach(
      places,
      (place) => Effect.map(glance(`${stage.url}${place}`), (text) => ({ place, text })),
      { concurrency: 8 }
    )
  })

/** An answer with its headers; of one that doesn't end, what comes until nothing more does. */
const glance = (url: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const stop = new AbortController()
    let clock = setTimeout(() => stop.abort(), 5000)
    const pieces: Array<Uint8Array> = []
    try {
      const response = await fetch(url, { signal: stop.signal, redirect: "manual" })
      pieces.push(Buffer.from([...response.headers].join("\n")))
      for await (const piece of response.body ?? []) {
        pieces.push(piece)
        clearTimeout(clock)
        clock = setTimeout(() => stop.abort(), 700)
      }
    } catch {
      // It was cut off; what came counts.
    } finally {
      clearTimeout(clock)
    }
    return Buffer.concat(pieces).toString()
  })

const webhook = (receiver: World["receiver"], secret: string, header: string) => ({
  webhook_url: `${receiver.origin}/hook`,
  webhook_secret: secret,
  webhook_headers: { Authorization: `Bearer ${header}` }
})

const submit = (stage: World, job: object) =>
  Effect.map(ask(stage, "/json/submitJob", { job_config: job }), (json) => String(member(json, "job_id")))

describe("canary secrets", () => {
  it.scopedLive(
    "in every place where a secret can be are in nothing that leaves, nor in what is kept",
    () =>
      Effect.gen(function* () {
        const written = vi.spyOn(process.stderr, "write").mockReturnValue(true)
        yield* Effect.addFinalizer(() => Effect.sync(() => written.mockRestore()))
        const stage = yield* world
        const { consul, receiver } = stage
        const operators = webhook(receiver, canaries.operatorSecret, canaries.operatorHeader)
        yield* consul.put(`${keys.jobs}operator`, JSON.stringify(record("operator", operators, failing)))
        yield* consul.put(`${keys.jobs}invalid`, JSON.stringify(record("invalid", { ...operators, owner: "" })))
        const hooks = webhook(receiver, canaries.webhookSecret, canaries.webhookHeader)
        const good = yield* submit(stage, record("good", hooks))
        const bad = yield* submit(stage, record("bad", hooks, failing))
        const broken = yield* submit(stage, record("broken", hooks, { git_ref: brokenRef }))
        const endless = yield* submit(stage, record("endless", hooks, { git_ref: endlessRef }))
        yield* until(stage, endless, (status) => status === "BUILDING")
        yield* Effect.forEach(["operator", "invalid", good, bad, broken], (id) => ended(stage, id))
        yield* eventually(
          "webhooks were sent",
          Effect.sync(() => receiver.seen.length > 5)
        )

        const ids = ["operator", "invalid", good, bad, broken, endless]
        const answers = yield* everythingAnswered(stage, ids)
        const live = answers.filter(({ place }) => place.includes(endless) && place.includes("log"))
        assert.isTrue(
          live.some(({ text }) => text.includes("[redacted]")),
          "the running build's log was read"
        )
        for (const { place, text } of answers) assertNone(place, Buffer.from(text))
        yield* ask(stage, "/json/killJob", { job_id: endless })
        yield* ended(stage, endless)
        assertNone("metrics", Buffer.from(yield* stage.metrics()))
        for (const { body } of receiver.seen) assertNone("webhook", Buffer.from(body))

        const stored = yield* everythingStored(stage)
        const logs = stored.filter(({ key }) => key.startsWith(keys.logs))
        assert.isAbove(logs.length, 8)
        assert.isTrue(
          logs.every(({ content }) => Buffer.from(content).includes("[redacted]")),
          "the steps did tell"
        )
        const confidential = keys.confidential("")
        assert.isTrue(stored.some(({ key }) => key.startsWith(confidential)))
        for (const { content, key } of stored) {
          const isOperators = key === `${keys.jobs}operator` || key === `${keys.jobs}invalid`
          if (!isOperators && !key.startsWith(confidential)) assertNone(key, content)
        }
        const lines = written.mock.calls.map(([line]) => String(line)).join("")
        assert.isAbove(lines.length, 1000)
        assertNone("the service's log", Buffer.from(lines))
      }),
    120_000
  )

  it("would be found if they were there", () => {
    const hide = [
      (text: string) => text,
      (text: string) => Buffer.from(`xy${text}z`).toString("base64"),
      (text: string) => Buffer.from(text).toString("hex").replaceAll(/.{20}/g, "$&\n"),
      (text: string) => encodeURIComponent(text),
      (text: string) => JSON.stringify(text)
    ]
    for (const [name, canary] of Object.entries(canaries)) {
      for (const way of hide) assert.include(findCanaries(canaries, Buffer.from(`<${way(canary)}>`)), name)
    }
    assert.deepStrictEqual(findCanaries(canaries, Buffer.from("[redacted] and an ordinary line")), [])
  })
})

const assertNone = (place: string, content: Uint8Array) => {
  const found = findCanaries(canaries, content)
  if (found.length === 0) return
  const lines = Buffer.from(content)
    .toString()
    .split(/\n|\\n|","/)
  const where = lines.filter((line) => findCanaries(canaries, Buffer.from(line)).length > 0)
  assert.fail(`${place} holds ${found.join(", ")}: ${where.join("\n").slice(0, 2000) || "over several lines"}`)
}
