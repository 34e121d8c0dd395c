import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as ancestor from "../support/ancestor.ts"
import { eventually } from "../support/eventually.ts"
import { freePort } from "../support/freePort.ts"
import { record, setStage } from "./support/Stage.ts"

const { ids } = ancestor

/** Empty for what isn't answered with a success, or not at all. */
const ask = (port: number, path: string, init?: RequestInit) =>
  Effect.tryPromise(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init)
    const text = await answer.text()
    return answer.ok ? text : ""
  }).pipe(Effect.orElseSucceed(() => ""))

describe("a service in the place of its ancestor", () => {
  it.scopedLive("shows the ancestor's jobs, builds one of them again, and touches none of its Nomad jobs", () =>
    Effect.gen(function* () {
      const { consul, nomad, serve } = yield* setStage
      const port = yield* freePort
      yield* consul.put(`nomad-build-service/jobs/${ids.succeeded}`, ancestor.succeeded)
      yield* consul.put(`nomad-build-service/history/${ids.history}`, ancestor.history)
      const theirs = `build-${ids.succeeded}`
      yield* nomad.register(jobOf(theirs))
      yield* serve({ environment: { SERVER_PORT: String(port), HISTORY_RETENTION_DAYS: "36500" } })
      const status = ask(port, `/json/job/${ids.succeeded}/status`)
      yield* eventually(
        "the job is in the archive",
        Effect.map(status, (text) => text.includes('"SUCCEEDED"'))
      )
      const logs = yield* ask(port, `/json/job/${ids.succeeded}/logs`)
      assert.include(logs, `=== Test Job 2 (test-entry-${ids.succeeded}-1) ===`)
      assert.include(logs, "[main/stdout] Hello Claude")
      assert.notInclude(logs, ancestor.webhookSecret)
      const past = yield* ask(port, "/json/getHistory", { method: "POST", body: "{}" })
      assert.include(past, ids.history)
      assert.include(past, ids.succeeded)
      // It comes back to be purged, moves away again, and then is built anew under another id.
      yield* ask(port, `/json/job/${ids.succeeded}/purge`, { method: "POST" })
      const again = yield* ask(port, `/json/job/${ids.succeeded}/retry`, { method: "POST" })
      assert.notStrictEqual(again, "")
      // Over HTTP, since it may be in the archive already when one looks.
      yield* eventually(
        "the new run is over",
        Effect.map(
          status,
          (text) => /"status":"(?:SUCCEEDED|FAILED)"/.test(text) && !text.includes(`"job_id":"${ids.succeeded}"`)
        )
      )
      assert.notInclude(yield* status, `"nomad_job_id":"${theirs}"`)
      const { value } = yield* consul.keys("nomad-build-service/")
      assert.deepStrictEqual(value, [])
      assert.isTrue(Option.exists(yield* nomad.job(theirs), (job) => !job.Stop))
    })
  )

  it.scopedLive("finds the ancestor's jobs among its own records, and takes none of them for one", () =>
    Effect.gen(function* () {
      const { consul, ended, put, serve } = yield* setStage
      const port = yield* freePort
      yield* consul.put(`jobforge-service/jobs/${ids.succeeded}`, ancestor.succeeded)
      yield* consul.put(`jobforge-service/jobs/${ids.running}`, ancestor.underWay(ids.running, "2025-10-12T08:00:00Z"))
      yield* put("by-hand", record("web"))
      const environment = { SERVER_PORT: String(port), HISTORY_RETENTION_DAYS: "36500" }
      yield* serve({ environment: { ...environment, LEGACY_KEY_PREFIX: "jobforge-service" } })
      assert.strictEqual((yield* ended("by-hand")).status, "SUCCEEDED")
      const succeeded = yield* ask(port, `/json/job/${ids.succeeded}/status`)
      assert.include(succeeded, '"status":"SUCCEEDED"')
      assert.include(succeeded, '"archived":true')
      const broken = yield* ask(port, `/json/job/${ids.running}/status`)
      assert.include(broken, '"reason":"ChildLost"')
      const { value } = yield* consul.keys("jobforge-service/jobs/")
      assert.deepStrictEqual(value, ["jobforge-service/jobs/by-hand"])
    })
  )
})

const jobOf = (id: string) => ({
  ID: id,
  Name: id,
  Type: "batch",
  Datacenters: ["nowhere"],
  TaskGroups: [group]
})

const group = {
  Name: "main",
  Count: 1,
  RestartPolicy: { Attempts: 0, Mode: "fail" },
  ReschedulePolicy: { Attempts: 0, Unlimited: false },
  Tasks: [{ Name: "main", Driver: "docker", Config: { image: "x" }, LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 } }]
}
