import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber } from "effect"
import { GuardedHttp } from "../../src/http/GuardedHttp.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"
import { eventually } from "../support/eventually.ts"
import { dyingAt, onOutbox } from "../webhooks/dyingAt.ts"
import { outboxIsEmpty } from "../webhooks/receiver.ts"
import { keys, record, setStage } from "./support/Stage.ts"

/** Counts what reaches it and answers with this. */
const receiver = (answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly seen: Array<string>; readonly close: () => void }>((resume) => {
      const seen: Array<string> = []
      const server = createServer((request, response) => {
        seen.push(`${String(request.headers["x-webhook-event"] ?? request.method)} ${request.url ?? ""}`)
        response.writeHead(answer.status, answer.headers).end()
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/`, seen, close: () => void server.close() }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const post = (url: string, allow: ReadonlyArray<string>) =>
  Effect.flatMap(GuardedHttp, (http) =>
    http.post({
      url,
      headers: {},
      body: new Uint8Array(),
      allow: { hosts: [], networks: allow },
      timeout: "5 seconds"
    })
  ).pipe(Effect.provide(GuardedHttp.layer))

describe("what leaves the service", () => {
  it("Z17: an empty secret, or one that stands in every text, redacts nothing", () => {
    const text = "STEP 1/4: FROM scratch\nabc true 1234\n  done\n"
    const { text: redact } = makeRedactor(["", " ", "\n", "a", "abc", "true", "1234", "\t\t"])
    assert.strictEqual(redact(text), text)
    assert.strictEqual(makeRedactor(["", "s3cr3t-value"]).text("a s3cr3t-value b"), "a [redacted] b")
  })

  it.scopedLive("Z28: a webhook reaches nothing inside unless an operator allows it, and follows no redirect", () =>
    Effect.gen(function* () {
      const inside = yield* receiver({ status: 200 })
      const refused = yield* Effect.either(post(inside.url, []))
      assert.strictEqual(Either.isLeft(refused) ? refused.left._tag : "sent", "TargetRefused")
      assert.deepStrictEqual(inside.seen, [])
      const door = yield* receiver({ status: 302, headers: { location: inside.url } })
      assert.strictEqual((yield* post(door.url, ["127.0.0.1/32"])).status, 302)
      assert.lengthOf(door.seen, 1)
      assert.deepStrictEqual(inside.seen, [])
    })
  )

  it.scopedLive(
    "Z28: a webhook is lost by no crash between a transition and its delivery",
    () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        yield* Effect.orDie(stage.consul.put(`${keys.config}webhooks/allow`, "127.0.0.1/32"))
        const out = yield* receiver({ status: 204 })
        const death = dyingAt(onOutbox("Set"), "after")
        const first = yield* stage.serve({ consul: death.consul })
        yield* stage.put("web", record("web", { webhook_url: out.url }))
        yield* eventually("the first one dies", Effect.sync(death.isDead))
        yield* Fiber.interrupt(first)
        assert.deepStrictEqual(out.seen, [])
        yield* stage.serve()
        yield* stage.ended("web", "30 seconds")
        yield* outboxIsEmpty(stage.consul)
        assert.deepStrictEqual(
          out.seen.map((line) => line.split(" ")[0]),
          ["build.started", "build.completed", "job.completed"]
        )
      }),
    60_000
  )
})
