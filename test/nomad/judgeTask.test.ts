import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { NeverStartedReason } from "../../src/domain/ChildState.ts"
import { TaskState } from "../../src/nomad/Allocation.ts"
import { judgeTask } from "../../src/nomad/judgeTask.ts"

type EventFields = Partial<NonNullable<NonNullable<typeof TaskState.Encoded.Events>[number]>>

const task = (events: ReadonlyArray<EventFields>, StartedAt: string | null = null) =>
  Schema.decodeSync(TaskState)({ State: "dead", StartedAt, Events: events })

const failed = (Type: string, DisplayMessage: string, Details: Record<string, string> = {}) =>
  judgeTask(
    task([
      { Type: "Received" },
      { Type, DisplayMessage, Details },
      { Type: "Not Restarting", Details: { fails_task: "true" } }
    ])
  )

describe("a task that never started", () => {
  const causes: ReadonlyArray<readonly [type: string, message: string, reason: NeverStartedReason]> = [
    [
      "Driver Failure",
      "Failed to pull `r/a:1`: API error (500): unauthorized: authentication required",
      "authentication"
    ],
    [
      "Driver Failure",
      'Failed to pull `r/a:1`: API error (500): Get "https://r/v2/": no basic auth credentials',
      "authentication"
    ],
    [
      "Driver Failure",
      "Failed to pull `a`: API error (404): pull access denied for a, repository does not exist or may require 'docker login'",
      "authentication"
    ],
    [
      "Driver Failure",
      "Failed to pull `r/a:1`: API error (404): manifest unknown: manifest unknown",
      "image-not-found"
    ],
    [
      "Driver Failure",
      "Failed to pull `r/a`: API error (404): repository name not known: name unknown",
      "image-not-found"
    ],
    [
      "Driver Failure",
      "Failed to pull `r/a:1`: API error (500): dial tcp: lookup r: no such host",
      "registry-unavailable"
    ],
    ["Driver Failure", "Failed to pull `r/a:1`: context deadline exceeded", "registry-unavailable"],
    [
      "Driver Failure",
      'failed to launch command with executor: rpc error: binary "/no/such" could not be found',
      "driver"
    ],
    ["Driver Failure", "Failed to start container 1: API error (400): OCI runtime create failed", "driver"],
    ["Failed Validation", "2 errors occurred", "validation"],
    ["Killing", 'Template failed: (dynamic): parse: template: :1: function "nofunc" not defined', "template"],
    ["Setup Failure", "Vault: failed to derive vault token: Error making API request", "template"],
    ["Setup Failure", 'failed to setup alloc: pre-run hook "network" failed: no bridge', "other"],
    ["Failed Artifact Download", "failed to download artifact", "other"],
    ["Task hook failed", "logmon: plugin exited", "other"],
    ["Something New", "what it says", "other"]
  ]
  for (const [type, message, reason] of causes) {
    it(`has the reason ${reason}: ${type}: ${message}`, () => {
      assert.deepStrictEqual(failed(type, message, { fails_task: "true" }), { _tag: "NeverStarted", reason, message })
    })
  }

  it("isn't explained by the name of its image", () => {
    const message =
      "Failed to pull `unauthorized/x:1`: API error (500): dial tcp 10.0.0.1:443: connect: connection refused"
    assert.deepInclude(failed("Driver Failure", message), { reason: "registry-unavailable" })
  })

  it("is explained by its last cause, or its last event, or not at all", () => {
    const twice = judgeTask(
      task([
        { Type: "Driver Failure", DisplayMessage: "first" },
        { Type: "Restarting" },
        { Type: "Driver Failure", DisplayMessage: "second" }
      ])
    )
    assert.deepInclude(twice, { message: "second" })
    assert.deepInclude(judgeTask(task([{ Type: "Received", DisplayMessage: "Task received by client" }])), {
      reason: "other",
      message: "Task received by client"
    })
    assert.deepStrictEqual(judgeTask(task([])), {
      _tag: "NeverStarted",
      reason: "other",
      message: "the task never started, and Nomad doesn't say why"
    })
  })
})

describe("a task that ran", () => {
  const begin = "2026-11-20T17:12:31.199Z"
  const ran = (Details: Record<string, string>) =>
    judgeTask(task([{ Type: "Started" }, { Type: "Terminated", DisplayMessage: "said", Details }], begin))

  it("is judged by its exit code, its signal and what its driver says of them", () => {
    assert.deepStrictEqual(ran({ exit_code: "0", signal: "0", oom_killed: "true" }), {
      _tag: "Succeeded",
      startedAt: Date.parse(begin)
    })
    assert.deepInclude(ran({ exit_code: "0" }), { _tag: "Succeeded" })
    assert.deepInclude(ran({ exit_code: "0", signal: "9" }), { _tag: "CommandFailed", exitCode: 137 })
    assert.deepInclude(ran({ exit_code: "3", signal: "0" }), { _tag: "CommandFailed", exitCode: 3, message: "said" })
    assert.deepInclude(ran({ exit_code: "x" }), { _tag: "Interrupted", message: "said" })
  })

  it("is judged by its last run, also when Nomad has dropped the event of its start", () => {
    const restarted = [
      { Type: "Started" },
      { Type: "Killing" },
      { Type: "Terminated", Details: { exit_code: "1" } },
      { Type: "Started" },
      { Type: "Terminated", Details: { exit_code: "0" } }
    ]
    assert.deepInclude(judgeTask(task(restarted, begin)), { _tag: "Succeeded" })
    const cut = [{ Type: "Terminated", Time: "7000000", Details: { exit_code: "2" } }]
    assert.deepInclude(judgeTask(task(cut)), { _tag: "CommandFailed", exitCode: 2, startedAt: 7 })
  })

  it("is interrupted by what failed it without an end of its own", () => {
    const lost = judgeTask(
      task(
        [
          { Type: "Started" },
          { Type: "Setup Failure", DisplayMessage: "failed to restore task", Details: { fails_task: "true" } }
        ],
        begin
      )
    )
    assert.deepStrictEqual(lost, { _tag: "Interrupted", message: "failed to restore task" })
    const notRestarting = {
      Type: "Not Restarting",
      DisplayMessage: "Policy allows no restarts",
      Details: { fails_task: "true" }
    }
    assert.deepStrictEqual(judgeTask(task([{ Type: "Started", DisplayMessage: "" }, notRestarting], begin)), {
      _tag: "Interrupted",
      message: "Policy allows no restarts"
    })
  })
})
