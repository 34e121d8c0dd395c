import { assert, describe, it } from "@effect/vitest"
import { Duration, Either } from "effect"
import { attemptsWanted, decodeLogQuery, type LogQuery, type LogQueryInput } from "../../src/server/LogQuery.ts"
import { attemptOf, statusOf } from "./logWorld.ts"

const read = (input: LogQueryInput, others: ReadonlyArray<string> = []): LogQuery =>
  Either.getOrThrowWith(decodeLogQuery(input, others), (error) => error)

const refusal = (input: LogQueryInput): ReadonlyArray<string> =>
  Either.match(decodeLogQuery(input), {
    onLeft: ({ errors }) => errors.map(({ message }) => message),
    onRight: () => []
  })

describe("decodeLogQuery", () => {
  it("reads what a URL or a body says", () => {
    assert.deepStrictEqual(
      read({ phase: "test", stream: "stderr", attempt: "2", test: "entry-point", tail: "100", grep: "a.*b" }),
      { phase: "test", stream: "stderr", attempt: 2, test: "entry-point", tail: 100, grep: "a.*b" }
    )
    assert.deepStrictEqual(read({ attempt: 1, test: 0, head: 5 }), { attempt: 1, test: 0, head: 5 })
    assert.deepStrictEqual(read({ attempt: "last" }), { attempt: "last" })
    assert.deepStrictEqual(read({ since: "1h30m" }), { since: Duration.minutes(90) })
    assert.deepStrictEqual(read({ since: "1970-01-01T01:00:00.5+01:00" }), { since: 500 })
  })

  it("takes null and nothing as left out, and leaves out what others read", () => {
    assert.deepStrictEqual(read({ phase: "", tail: null, attempt: "all", job_id: "x" }, ["job_id"]), {})
  })

  it.each([
    ["phase", "deploy", "phase must be build, test or publish"],
    ["stream", "both", "stream must be stdout or stderr"],
    ["attempt", "0", "attempt must be a number from 1, all or last"],
    ["attempt", "first", "attempt must be a number from 1, all or last"],
    ["test", "-1", "test must be the position of a test command, counted from 0, or entry-point"],
    ["tail", "0", "tail must be a whole number of lines from 1 to 1000000"],
    ["tail", 1.5, "tail must be a whole number of lines from 1 to 1000000"],
    ["head", "1e3", "head must be a whole number of lines from 1 to 1000000"],
    ["grep", "a\nb", "grep must be text of one line, of at most 512 characters; it is searched for as it stands"],
    ["grep", 7, "grep must be text of one line, of at most 512 characters; it is searched for as it stands"],
    ["since", "yesterday", "since must be a time as 2026-01-31T09:30:00Z, or a duration before now as 10m or 1h30m"],
    [
      "since",
      "2026-01-31T09:30:00",
      "since must be a time as 2026-01-31T09:30:00Z, or a duration before now as 10m or 1h30m"
    ],
    ["atempt", "2", "atempt is not a known field; did you mean attempt?"],
    ["verbose", "1", "verbose is not a known field; known are phase, stream, attempt, test, tail, head, grep, since"],
    ["phase", ["build", "test"], "phase must be build, test or publish"]
  ])("refuses %s = %j and says what would do", (field, value, message) => {
    assert.deepStrictEqual(refusal({ [field]: value }), [message])
  })

  it("names all that is wrong at once", () => {
    assert.deepStrictEqual(refusal({ phase: "build", test: 0, tail: "x" }), [
      "tail must be a whole number of lines from 1 to 1000000",
      "test goes with phase test only, not with build"
    ])
  })
})

describe("attemptsWanted", () => {
  const attempts = [
    attemptOf("b1", { finished_at: 100 }),
    attemptOf("b2", { attempt: 2, finished_at: 200 }),
    attemptOf("t0", { phase: "test", test: { kind: "command", index: 0 }, finished_at: 300 }),
    attemptOf("te", { phase: "test", test: { kind: "entry-point" } }),
    attemptOf("p1", { phase: "publish" }),
    attemptOf("t0b", { phase: "test", test: { kind: "command", index: 0 }, attempt: 2 }),
    attemptOf("c1", { phase: "cleanup" })
  ]
  const ids = (query: LogQuery) => attemptsWanted(statusOf(attempts), query, 1000).map(({ nomad_job_id: id }) => id)

  it("gives them phase by phase, without the controller's own", () => {
    assert.deepStrictEqual(ids({}), ["b1", "b2", "t0", "te", "t0b", "p1"])
  })

  it("narrows them by each field", () => {
    assert.deepStrictEqual(ids({ phase: "test" }), ["t0", "te", "t0b"])
    assert.deepStrictEqual(ids({ attempt: 1 }), ["b1", "t0", "te", "p1"])
    assert.deepStrictEqual(ids({ attempt: "last" }), ["b2", "te", "t0b", "p1"])
    assert.deepStrictEqual(ids({ test: 0 }), ["t0", "t0b"])
    assert.deepStrictEqual(ids({ test: "entry-point" }), ["te"])
    assert.deepStrictEqual(ids({ test: 0, attempt: 2 }), ["t0b"])
  })

  it("knows which were still at it at a time, and so long ago", () => {
    assert.deepStrictEqual(ids({ since: 200 }), ["b2", "t0", "te", "t0b", "p1"])
    assert.deepStrictEqual(ids({ since: Duration.millis(750) }), ["t0", "te", "t0b", "p1"])
  })
})
