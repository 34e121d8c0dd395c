import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Ref } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { NotFound, Unavailable } from "../../src/http/ApiError.ts"
import { GuardedHttp } from "../../src/http/GuardedHttp.ts"
import type { Counter, Labels } from "../../src/metrics/Family.ts"
import { family } from "../../src/metrics/families.ts"
import { Metrics, type Recorder } from "../../src/metrics/Metrics.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings, settingsOf } from "../../src/store/LiveSettings.ts"
import { readSettings } from "../../src/store/Settings.ts"
import { Vault } from "../../src/vault/Vault.ts"
import { decodeDelivery, encodeDelivery, type Envelope, outboxId } from "../../src/webhooks/Delivery.ts"
import { runWebhooks } from "../../src/webhooks/runWebhooks.ts"
import { sweepOnce } from "../../src/webhooks/sweepConfidential.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { assertSigned, outboxIsEmpty, receiver } from "./receiver.ts"

const keys = keysBelow("jobforge-service")
const lease = { fence: Option.none(), lost: Effect.never }

const allowing = (allow: string) =>
  Layer.succeed(
    LiveSettings,
    settingsOf(() => readSettings({ WEBHOOK_ALLOW: allow }, {}).settings)
  )

const vaultOf = (read: Vault["Type"]["read"]) =>
  Layer.succeed(Vault, {
    read,
    presence: () => Effect.succeed("unknown" as const),
    health: Effect.succeed("healthy" as const)
  })

const noVault = vaultOf((path) => Effect.fail(new NotFound({ system: "vault", operation: path, detail: "" })))

/** Counts what the counters are told, by their result. */
const counting = () => {
  const counts: Record<string, number> = {}
  const recorder: Recorder = {
    enabled: true,
    add: <L extends string>(counter: Counter<L>, labels: Labels<L>) => {
      if (counter.name !== family.webhookDeliveries.name) return
      const [result = ""] = Object.values<string>(labels)
      counts[result] = (counts[result] ?? 0) + 1
    },
    set: () => {},
    observe: () => {},
    clear: () => {},
    ownerLabel: (owner) => owner,
    beforeScrape: () => Effect.void
  }
  return { counts, layer: Layer.succeed(Metrics, recorder) }
}

const queue = Effect.fnUntraced(function* (
  url: string,
  at: number,
  more: Partial<Envelope> & { readonly name?: string } = {}
) {
  const consul = yield* Consul
  const { name = "web", ...fields } = more
  const envelope: Envelope = {
    url,
    event: "build.started",
    delivery_id: `delivery-${at}`,
    job_id: "job",
    written_at: Date.now(),
    attempts: 0,
    due_at: 0,
    ...fields
  }
  const key = keys.delivery(name, outboxId(at, "build.started", `delivery-${at}`))
  const body = new TextEncoder().encode(`{"event":"build.started","delivery_id":"delivery-${at}"}`)
  yield* consul.put(key, encodeDelivery({ envelope, body }))
  return key
})

const sending = (
  allow = "127.0.0.0/8",
  vault: Layer.Layer<Vault> = noVault,
  metrics: Layer.Layer<never> = Layer.empty
) =>
  Effect.forkScoped(
    Effect.provide(
      Effect.scoped(runWebhooks(keys, lease)),
      Layer.mergeAll(allowing(allow), vault, GuardedHttp.layer, metrics)
    )
  )

const idsOf = (server: { readonly seen: ReadonlyArray<{ readonly headers: object }> }) =>
  server.seen.map(({ headers }) => ("x-webhook-delivery" in headers ? String(headers["x-webhook-delivery"]) : ""))

const attemptsOf = Effect.fnUntraced(function* (key: string) {
  const consul = yield* Consul
  const entry = yield* consul.get(key)
  return Option.match(
    Option.flatMap(entry, ({ value }) => decodeDelivery(value)),
    { onNone: () => -1, onSome: ({ envelope }) => envelope.attempts }
  )
})

describe("the sender", () => {
  it.scopedLive("tries three times, counts in the store, gives up, and goes on with what comes next", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const { counts, layer } = counting()
      const server = yield* receiver((at, _seen, response) => response.writeHead(at < 3 ? 500 : 204).end())
      const key = yield* queue(server.url, 1)
      yield* queue(server.url, 2)
      yield* sending("127.0.0.1", noVault, layer)
      yield* eventually(
        "the first failure is in the store",
        Effect.map(attemptsOf(key), (attempts) => attempts === 1)
      )
      yield* outboxIsEmpty(consul)
      assert.deepStrictEqual(idsOf(server), ["delivery-1", "delivery-1", "delivery-1", "delivery-2"])
      assert.deepStrictEqual(counts, { failed: 2, given_up: 1, delivered: 1 })
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("goes on counting where the leader before stopped", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const server = yield* receiver((_at, _seen, response) => response.writeHead(500).end())
      yield* queue(server.url, 1, { attempts: 2 })
      yield* sending()
      yield* outboxIsEmpty(consul)
      assert.lengthOf(server.seen, 1)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("is done with whoever answers 410 at once", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const server = yield* receiver((_at, _seen, response) => response.writeHead(410).end())
      yield* queue(server.url, 1)
      yield* sending()
      yield* outboxIsEmpty(consul)
      assert.lengthOf(server.seen, 1)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("tries nothing that may not be connected to, and says that it was refused", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const { counts, layer } = counting()
      const server = yield* receiver()
      yield* queue(server.url, 1)
      yield* sending("", noVault, layer)
      yield* outboxIsEmpty(consul)
      assert.lengthOf(server.seen, 0)
      assert.deepStrictEqual(counts, { refused: 1 })
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("leaves alone for as long as it is asked to", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const at: Array<number> = []
      const server = yield* receiver((count, _seen, response) => {
        at.push(performance.now())
        if (count === 0) response.writeHead(429, { "retry-after": "3" }).end()
        else response.end()
      })
      yield* queue(server.url, 1)
      yield* sending()
      yield* outboxIsEmpty(consul)
      assert.lengthOf(at, 2)
      assert.isAtLeast((at[1] ?? 0) - (at[0] ?? 0), 2900)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("keeps the order within a record, and no record waits for another one's receiver", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const slow = yield* receiver((at, _seen, response) => {
        if (at === 0) setTimeout(() => response.end(), 1500)
        else response.end()
      })
      const quick = yield* receiver()
      for (const at of [3, 1, 2]) yield* queue(slow.url, at, { name: "slow" })
      for (const at of [5, 4]) yield* queue(quick.url, at, { name: "slow/but/another" })
      yield* sending()
      yield* eventually(
        "the quick one has all",
        Effect.sync(() => quick.seen.length === 2)
      )
      assert.lengthOf(slow.seen, 1)
      yield* outboxIsEmpty(consul)
      assert.deepStrictEqual(idsOf(slow), ["delivery-1", "delivery-2", "delivery-3"])
      assert.deepStrictEqual(idsOf(quick), ["delivery-4", "delivery-5"])
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("sends to one receiver no more than eight at a time", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      let open = 0
      let most = 0
      const server = yield* receiver((_at, _seen, response) => {
        open++
        most = Math.max(most, open)
        setTimeout(() => {
          open--
          response.end()
        }, 100)
      })
      for (let at = 0; at < 40; at++) yield* queue(server.url, at, { name: `job-${at}` })
      yield* sending()
      yield* outboxIsEmpty(consul)
      assert.lengthOf(server.seen, 40)
      assert.strictEqual(most, 8)
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("drops what is no delivery", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(keys.delivery("web", "00000001.00.x"), "garbage")
      yield* sending()
      yield* outboxIsEmpty(consul)
    }).pipe(Effect.provide(embeddedConsul))
  )
})

describe("a secret that Vault has", () => {
  const confide = (secret: string) =>
    Effect.flatMap(Consul, (consul) => consul.put(keys.confidential("job"), JSON.stringify({ webhook_secret: secret })))

  it.scopedLive("signs; while Vault is down the delivery waits, and isn't sent unsigned", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const asked = yield* Ref.make<ReadonlyArray<string>>([])
      const server = yield* receiver()
      yield* confide("vault:secret/data/hooks#key")
      const key = yield* queue(server.url, 1, { confidential: "job" })
      yield* sending(
        "127.0.0.0/8",
        vaultOf((path) =>
          Effect.flatMap(
            Ref.updateAndGet(asked, (paths) => [...paths, path]),
            (paths) =>
              paths.length < 2
                ? Effect.fail(new Unavailable({ system: "vault", operation: "read", detail: "sealed" }))
                : Effect.succeed({ key: "from-vault", other: "no" })
          )
        )
      )
      yield* eventually(
        "Vault was asked",
        Effect.map(Ref.get(asked), (paths) => paths.length === 1)
      )
      assert.lengthOf(server.seen, 0)
      assert.strictEqual(yield* attemptsOf(key), 0)
      yield* outboxIsEmpty(consul)
      assert.deepStrictEqual(yield* Ref.get(asked), ["secret/data/hooks", "secret/data/hooks"])
      assert.lengthOf(server.seen, 1)
      assertSigned(server.seen[0] ?? assert.fail(), "from-vault")
    }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive.each(["vault:secret/hooks#missing", "vault:secret/hooks#toString"])(
    "that doesn't exist (%s) is given up after three tries, and nothing is sent",
    (reference) =>
      Effect.gen(function* () {
        const consul = yield* Consul
        const { counts, layer } = counting()
        const server = yield* receiver()
        yield* confide(reference)
        yield* queue(server.url, 1, { confidential: "job" })
        yield* sending(
          "127.0.0.0/8",
          vaultOf(() => Effect.succeed({ key: "k" })),
          layer
        )
        yield* outboxIsEmpty(consul)
        assert.lengthOf(server.seen, 0)
        assert.deepStrictEqual(counts, { failed: 2, given_up: 1 })
      }).pipe(Effect.provide(embeddedConsul))
  )

  it.scopedLive("what signed a delivery and is gone: it isn't sent unsigned", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const server = yield* receiver()
      yield* queue(server.url, 1, { confidential: "job" })
      yield* sending()
      yield* outboxIsEmpty(consul)
      assert.lengthOf(server.seen, 0)
    }).pipe(Effect.provide(embeddedConsul))
  )
})

describe("what signed a run's deliveries", () => {
  it.scopedLive("is forgotten once nothing needs it, at the second look", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      for (const id of ["over", "live", "pending"]) yield* consul.put(keys.confidential(id), "{}")
      yield* queue("https://hooks.example.com", 1, { confidential: "pending" })
      const sweep = (before: ReadonlySet<string>) => sweepOnce(keys, lease, (id: string) => id === "live", before)
      const first = yield* sweep(new Set())
      assert.deepStrictEqual([...first], ["over"])
      const { value: kept } = yield* consul.keys(keys.confidential(""))
      assert.lengthOf(kept, 3)
      assert.deepStrictEqual([...(yield* sweep(first))], [])
      const { value: left } = yield* consul.keys(keys.confidential(""))
      assert.deepStrictEqual(left, [keys.confidential("live"), keys.confidential("pending")])
    }).pipe(Effect.provide(Layer.provideMerge(JobArchive.layer(keys), embeddedConsul)))
  )
})
