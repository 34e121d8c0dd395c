import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { diagnose } from "../../src/diagnosis/diagnose.ts"
import type { Status } from "../../src/domain/Status.ts"
import { Denied, Unavailable } from "../../src/http/ApiError.ts"
import { record, setStage } from "../zoo/support/Stage.ts"

const reconciling = ({ conditions }: Status) => conditions.find(({ type }) => type === "Reconciling")

describe("a job that Nomad keeps from going on", () => {
  for (const [what, kind, reason] of [
    ["is down", Unavailable, "NomadUnavailable"],
    ["refuses", Denied, "NomadRefuses"]
  ] as const) {
    it.scopedLive(`says so while Nomad ${what}, in one write, and goes on afterwards`, () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        let away = true
        let writes = 0
        yield* stage.serve({
          nomad: (nomad) => ({
            ...nomad,
            register: (...given) =>
              away
                ? Effect.fail(new kind({ system: "nomad", operation: "register", detail: "as the test wants it" }))
                : nomad.register(...given)
          }),
          consul: (consul) => ({
            ...consul,
            transaction: (operations) => {
              writes += operations.some((operation) => "key" in operation && operation.key.endsWith("/status/app"))
                ? 1
                : 0
              return consul.transaction(operations)
            }
          })
        })
        yield* stage.put("app", record("slow", { git_ref: endlessRef }))
        const stuck = yield* stage.until("app", ({ hindered }) => hindered !== undefined)
        assert.deepInclude(reconciling(stuck), { status: "True", reason })
        assert.include(reconciling(stuck)?.message ?? "", "as the test wants it")
        assert.include(diagnose(stuck).summary, reason)
        const written = writes
        yield* Effect.sleep("4 seconds")
        assert.strictEqual(writes, written)
        away = false
        const running = yield* stage.until("app", ({ attempts }) =>
          attempts.some((each) => each.started_at !== undefined)
        )
        assert.isUndefined(running.hindered)
        assert.strictEqual(reconciling(running)?.reason, "Progressing")
      })
    )
  }
})
