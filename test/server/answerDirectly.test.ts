import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { statusDirectly } from "../../src/server/statusRoutes.ts"
import { submitDirectly } from "../../src/server/submitRoutes.ts"
import { minimal } from "../domain/records.ts"
import { type Answer, type HttpDesk, toJson } from "./httpDesk.ts"
import { alone, namesOf, submitted } from "./httpScenes.ts"

/** Everything of an answer but what differs between two of the same: the time, and the id of a new job. */
const whole = ({ headers, status, text }: Answer) => ({
  status,
  headers: [...headers].filter(([name]) => name !== "date"),
  text: text.replace(/"job_id":"[^"]*"/, "").replaceAll(/\d{4}-\d\d-\d\dT[\d:.]{12}Z/g, "")
})

/** Answers once with whether a request would be taken, without serving it. */
const judge: Effect.Effect<
  (path: string, init?: RequestInit & { readonly duplex?: "half" }) => Effect.Effect<boolean>,
  never,
  Scope.Scope
> = Effect.gen(function* () {
  const server = createServer((request, response) => {
    const taken = statusDirectly(request) !== undefined || submitDirectly(request) !== undefined
    request.resume()
    response.end(String(taken))
  })
  yield* Effect.acquireRelease(
    Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => server.close().closeAllConnections())
  )
  const address: AddressInfo | string | null = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  return (path, init) =>
    Effect.promise(async () => (await (await fetch(`http://127.0.0.1:${port}${path}`, init)).text()) === "true")
})

describe("what goes the shorter way", () => {
  it.scopedLive("is what is asked most, by requests with nothing unusual in them", () =>
    Effect.gen(function* () {
      const isTaken = yield* judge
      for (const path of [
        "/json/job/web/status",
        "/mcp/job/web/status",
        "/jobs/web/status",
        "/jobs/web",
        "/json/job/web/status?wait=60s&index=17",
        "/jobs/web?index=17&wait=60s"
      ]) {
        assert.isTrue(yield* isTaken(path), path)
      }
      for (const path of ["/json/submitJob", "/mcp/submitJob", "/jobs"]) {
        assert.isTrue(yield* isTaken(path, { method: "POST", body: "{}" }), path)
      }
      for (const path of [
        "/json/job/a%2Fb/status",
        "/json/job/web/status?x",
        "/json/job/web/status?wait=60s",
        "/json/job/web/status?index=17&wait=60s&index=18",
        "/json/job/web/status/",
        "/json/job//status",
        "/json/job/web/logs",
        "/jobs/web/events",
        "/jobs"
      ]) {
        assert.isFalse(yield* isTaken(path), path)
      }
      assert.isFalse(yield* isTaken("/jobs/web", { method: "HEAD" }))
      assert.isFalse(yield* isTaken("/jobs/web", { method: "DELETE" }))
      assert.isFalse(yield* isTaken("/json/submitJob?x", { method: "POST", body: "{}" }))
      assert.isFalse(yield* isTaken("/json/submitJob", { method: "POST", body: " ".repeat(1024 * 1024 + 1) }))
      const unannounced = new Blob(["{}"]).stream()
      assert.isFalse(yield* isTaken("/json/submitJob", { method: "POST", body: unannounced, duplex: "half" }))
    })
  )

  it.scopedLive("answers to the byte what the ordinary way does, refusals included", () =>
    alone(
      (desk) =>
        Effect.gen(function* () {
          const id = yield* submitted(desk, minimal)
          const paths = [
            `/json/job/${id}/status`,
            "/json/job/nobody/status",
            `/jobs/${id}?wait=1ms&index=999999999`,
            `/jobs/${id}?wait=soon&index=1`,
            `/jobs/${id}?wait=1s&index=0`
          ]
          for (const path of paths) {
            const short = yield* desk.ask(path, { headers: { origin: "https://app.example.com" } })
            // An escape that says the same, which has to be decoded.
            const ordinary = yield* desk.ask(path.replace("/job", "/%6Aob"), {
              headers: { origin: "https://app.example.com" }
            })
            assert.deepStrictEqual(whole(short), whole(ordinary), path)
          }
          const bodies = [toJson({ job_config: minimal }), toJson(minimal), "", "{", '{"a":1,"a":2}', "[]", "\u0000"]
          for (const body of bodies) {
            const headers = { "idempotency-key": "", "content-type": "text/plain" }
            const [short, ordinary] = yield* both(desk, body, headers)
            assert.deepStrictEqual(whole(short), whole(ordinary), body)
          }
          const [short, ordinary] = yield* both(desk, toJson(minimal), { "idempotency-key": "x".repeat(256) })
          assert.deepStrictEqual(whole(short), whole(ordinary))
          assert.deepStrictEqual(namesOf(short.json), ["error", "code", "details"])
        }),
      { corsOrigins: ["https://app.example.com", "https://other.example.com"] }
    )
  )
})

/** A submission by either way. */
const both = (desk: HttpDesk, body: string, headers: Readonly<Record<string, string>>) =>
  Effect.all([desk.post("/json/submitJob", body, headers), desk.post("/json/submitJob?x", body, headers)])
