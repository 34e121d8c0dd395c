import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, Option, Schema } from "effect"
import { Allocation } from "../../src/nomad/Allocation.ts"
import { decodeAnswer } from "../../src/nomad/decodeAnswer.ts"
import { Evaluation } from "../../src/nomad/Evaluation.ts"
import { Job, JobStub } from "../../src/nomad/Job.ts"
import { Node } from "../../src/nomad/Node.ts"
import { Nanoseconds } from "../../src/nomad/NomadTime.ts"
import { bodyBytes } from "./fixtures.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const decode = <A, I>(schema: Schema.Schema<A, I>, text: string) => decodeAnswer(schema)("test", bytes(text))

describe("what Nomad answers", () => {
  it.effect("is a list of allocations with their tasks' events", () =>
    Effect.gen(function* () {
      const [allocation] = yield* decodeAnswer(Schema.Array(Allocation))("test", bodyBytes("allocations-failed-exit42"))
      assert.strictEqual(allocation?.ClientStatus, "failed")
      assert.strictEqual(allocation?.JobVersion, 0)
      const main = allocation?.TaskStates["main"]
      assert.deepStrictEqual(main?.StartedAt, Option.some(Date.parse("2026-11-20T17:12:31.199Z")))
      const terminated = main?.Events.find(({ Type }) => Type === "Terminated")
      assert.strictEqual(terminated?.Details["exit_code"], "42")
    })
  )

  it.effect("has a single allocation's job version in its job", () =>
    Effect.gen(function* () {
      const whole = yield* decode(Allocation, '{"ID": "a", "Job": {"ID": "j", "Version": 3}}')
      assert.strictEqual(whole.JobVersion, 3)
      assert.notProperty(whole, "Job")
      assert.strictEqual((yield* decode(Allocation, '{"ID": "a", "JobVersion": 2, "Job": null}')).JobVersion, 2)
      assert.strictEqual((yield* decode(Allocation, '{"ID": "a"}')).JobVersion, 0)
      const real = yield* decodeAnswer(Allocation)("test", bodyBytes("allocation-read-running"))
      assert.strictEqual(real.JobVersion, 0)
      assert.strictEqual(real.TaskStates["main"]?.State, "running")
    })
  )

  it.effect("is a job, a list of jobs, of evaluations, of nodes", () =>
    Effect.gen(function* () {
      const job = yield* decodeAnswer(Job)("test", bodyBytes("job-read-stopping"))
      assert.deepInclude(job, { ID: "fx-killed", Stop: true, Status: "dead", Version: 1, Meta: {} })
      assert.strictEqual(job.SubmitTime, 1795194819888)
      const jobs = yield* decodeAnswer(Schema.Array(JobStub))("test", bodyBytes("jobs-list-prefix"))
      assert.deepStrictEqual(
        jobs.map(({ ID }) => ID),
        ["fx-build-01", "fx-build-02"]
      )
      const evaluations = yield* decodeAnswer(Schema.Array(Evaluation))("test", bodyBytes("evaluations-blocked-memory"))
      assert.deepStrictEqual(evaluations[0]?.FailedTGAllocs["main"]?.DimensionExhausted, { memory: 1 })
      assert.deepStrictEqual(evaluations[0]?.FailedTGAllocs["main"]?.ConstraintFiltered, {})
      const nodes = yield* decodeAnswer(Schema.Array(Node))("test", bodyBytes("nodes-list"))
      assert.isTrue(nodes[0]?.Drivers["docker"]?.Healthy)
      assert.property(nodes[0]?.HostVolumes, "buildah-cache")
    })
  )

  it.effect("decodes with fields that another version adds, leaves out or says null to", () =>
    Effect.gen(function* () {
      const job = yield* decode(Job, '{"ID": "j", "Meta": null, "Status": "resting", "Tomorrow": {"A": [1]}}')
      assert.deepInclude(job, { ID: "j", Meta: {}, Status: "resting", Stop: false, Version: 0, SubmitTime: 0 })
      const task = '{"State": "pending", "Events": null, "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": null}'
      const allocation = yield* decode(Allocation, `{"ID": "a", "TaskStates": {"main": ${task}}, "ClientStatus": "x"}`)
      assert.deepInclude(allocation.TaskStates["main"], { StartedAt: Option.none(), FinishedAt: Option.none() })
      assert.deepStrictEqual(allocation.TaskStates["main"]?.Events, [])
      assert.deepStrictEqual((yield* decode(Allocation, '{"ID": "a", "TaskStates": null}')).TaskStates, {})
      assert.deepStrictEqual((yield* decode(Evaluation, '{"ID": "e"}')).FailedTGAllocs, {})
      assert.deepStrictEqual((yield* decode(Node, '{"ID": "n"}')).Drivers, {})
    })
  )

  it.effect("is Invalid when it is not what was asked for", () =>
    Effect.gen(function* () {
      for (const text of ["", "<html>", "[]", '{"ID": 7}']) {
        const error = yield* Effect.flip(decode(Job, text))
        assert.strictEqual(error._tag, "Invalid")
        assert.include(error.detail, "cannot be understood")
      }
    })
  )
})

describe("a time in nanoseconds", () => {
  const Timed = Schema.Struct({ Time: Nanoseconds, Text: Schema.optional(Schema.String) })

  it.effect("is cut to its millisecond, even where a double rounds it up", () =>
    Effect.gen(function* () {
      const times = [
        ["1795194819889402572", 1795194819889],
        ["1795194819889999999", 1795194819889],
        ["1795194819890000000", 1795194819890],
        ["0", 0],
        ["999999", 0],
        ["1000000", 1],
        ["null", 0],
        ["-62135596800000000000", 0]
      ] as const
      for (const [nanos, millis] of times) {
        assert.strictEqual((yield* decode(Timed, `{"Time":${nanos}}`)).Time, millis, nanos)
      }
    })
  )

  it.effect("doesn't change digits inside of texts", () =>
    Effect.gen(function* () {
      const text = String.raw`{"Time": 1795194819889999999, "Text": "a \"1795194819889999999, 1795194819889999999"}`
      const decoded = yield* decode(Timed, text)
      assert.strictEqual(decoded.Text, 'a "1795194819889999999, 1795194819889999999')
      assert.strictEqual(decoded.Time, 1795194819889)
    })
  )

  it.prop(
    "keeps every text as it is, whatever it looks like",
    [
      FastCheck.array(
        FastCheck.constantFrom('"', "\\", ":", ",", "Time", " ", "{", "}", "[", "1795194819889999999", "é", "\n"),
        { maxLength: 12 }
      )
    ],
    ([pieces]) => {
      const text = pieces.join("")
      const Texts = Schema.Struct({ Time: Nanoseconds, Text: Schema.String, All: Schema.Array(Schema.String) })
      const body = JSON.stringify({ Text: text, All: [text, text, ""], Time: 0 }).replace(
        /"Time":0}$/,
        '"Time": 1795194819889999999}'
      )
      const decoded = Either.getOrThrow(decode(Texts, body))
      assert.deepStrictEqual(decoded, { Text: text, All: [text, text, ""], Time: 1795194819889 })
    },
    { fastCheck: { numRuns: 500 } }
  )

  it.effect("leaves fractions and exponents alone", () =>
    Effect.gen(function* () {
      const Score = Schema.Struct({ Score: Schema.Number, Last: Schema.Number })
      const decoded = yield* decode(Score, '{"Score": 0.02839991311611614, "Last": 1234567890123456789e2}')
      assert.strictEqual(decoded.Score, 0.02839991311611614)
    })
  )
})
