import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, FastCheck, Option, Schema } from "effect"
import { ChildState } from "../../src/domain/ChildState.ts"
import { Allocation } from "../../src/nomad/Allocation.ts"
import { decodeAnswer } from "../../src/nomad/decodeAnswer.ts"
import { Evaluation } from "../../src/nomad/Evaluation.ts"
import { Job } from "../../src/nomad/Job.ts"
import { finalOf, outcome } from "../../src/nomad/outcome.ts"
import { bodyBytes } from "./fixtures.ts"

const jobIn = (name: string) => decodeAnswer(Job)(name, bodyBytes(name))
const allocationsIn = (name: string) => decodeAnswer(Schema.Array(Allocation))(name, bodyBytes(name))
const evaluationsIn = (name: string) => decodeAnswer(Schema.Array(Evaluation))(name, bodyBytes(name))

const job = (fields: Omit<Partial<typeof Job.Encoded>, "ID"> = {}) =>
  Option.some(Schema.decodeSync(Job)({ ID: "j", Status: "running", ...fields }))
const allocation = (fields: Partial<typeof Allocation.Encoded> = {}): Allocation =>
  Schema.decodeSync(Allocation)({ ID: "a", NodeID: "i", NodeName: "n", DesiredStatus: "run", ...fields })
const evaluation = (fields: Partial<typeof Evaluation.Encoded> = {}): Evaluation =>
  Schema.decodeSync(Evaluation)({ ID: "e", ...fields })

const time = (millis: number) => `${millis}000000`
const at = (millis: number) => new Date(millis).toISOString()

const started = { Type: "Started", Time: time(2000), DisplayMessage: "Task started by client" }
const terminated = (Details: Record<string, string>) => ({
  Type: "Terminated",
  Time: time(3000),
  DisplayMessage: `Exit Code: ${Details["exit_code"] ?? ""}`,
  Details
})
const dead = (...Events: ReadonlyArray<typeof started>) => ({
  main: { State: "dead", StartedAt: at(2000), FinishedAt: at(3100), Events }
})
const complete = (Details: Record<string, string>, fields: Partial<typeof Allocation.Encoded> = {}) =>
  allocation({ ClientStatus: "complete", TaskStates: dead(started, terminated(Details)), ...fields })

/** Only the newest job version's allocations count, so recorded ones are judged with the job they were made for. */
const judgeRecorded = (name: string, jobFields: Parameters<typeof job>[0] = {}) =>
  Effect.map(allocationsIn(name), (allocations) => outcome(job(jobFields), allocations, []))

describe("the state of a child", () => {
  it.effect("is Succeeded for a task that ended by itself with exit code 0", () =>
    Effect.gen(function* () {
      const whole = yield* jobIn("job-read-dead-complete")
      const allocations = yield* allocationsIn("allocations-complete")
      const expected = ChildState.Succeeded({
        allocationId: "",
        nodeId: "",
        nodeName: "vm",
        startedAt: Date.parse("2026-11-20T17:11:22.336Z"),
        finishedAt: Date.parse("2026-11-20T17:11:28.435Z")
      })
      const first = allocations.filter(({ JobVersion }) => JobVersion === 0)
      const { ID: allocationId = "", NodeID: nodeId = "" } = first[0] ?? {}
      assert.match(nodeId, /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual(outcome(Option.some(whole), first, []), { ...expected, allocationId, nodeId })
    })
  )

  it.effect("is that of the newest version of the job", () =>
    Effect.gen(function* () {
      const allocations = yield* allocationsIn("allocations-complete")
      const newest = outcome(job({ Version: 1 }), allocations, [])
      assert.strictEqual(newest._tag, "Succeeded")
      assert.strictEqual(
        "allocationId" in newest && newest.allocationId,
        allocations.find(({ JobVersion }) => JobVersion === 1)?.ID
      )
      assert.strictEqual(outcome(job({ Version: 2 }), allocations, [])._tag, "Queued")
    })
  )

  it.effect("is CommandFailed with the exit code and Nomad's words", () =>
    Effect.gen(function* () {
      const failed = yield* judgeRecorded("allocations-failed-exit42")
      assert.deepInclude(failed, {
        _tag: "CommandFailed",
        exitCode: 42,
        oomKilled: false,
        message: "Docker container exited with non-zero exit code: 42",
        startedAt: Date.parse("2026-11-20T17:12:31.199Z"),
        finishedAt: Date.parse("2026-11-20T17:12:31.234Z")
      })
      assert.deepInclude(yield* judgeRecorded("allocations-failed-exit139"), { _tag: "CommandFailed", exitCode: 139 })
      assert.deepInclude(yield* judgeRecorded("allocations-failed-restarted"), { _tag: "CommandFailed", exitCode: 5 })
      assert.deepInclude(yield* judgeRecorded("allocations-oom"), {
        exitCode: 137,
        oomKilled: true,
        message: "OOM Killed"
      })
    })
  )

  it.effect("is NeverStarted with Nomad's words", () =>
    Effect.gen(function* () {
      const neverStarted = [
        ["allocations-image-pull-failed", "image-not-found", "manifest unknown"],
        ["allocations-registry-down", "registry-unavailable", "connection refused"],
        ["allocations-no-such-command", "driver", "stat /no/such/bin: no such file or directory"],
        ["allocations-bad-driver-config", "validation", 'No argument or block type is named "no_such_key"'],
        ["allocations-bad-interpolation", "validation", "Invalid template control keyword"]
      ] as const
      for (const [name, reason, words] of neverStarted) {
        const state = yield* judgeRecorded(name)
        assert.deepInclude(state, { _tag: "NeverStarted", reason }, name)
        assert.include("message" in state && state.message, words)
        assert.isAbove("finishedAt" in state && typeof state.finishedAt === "number" ? state.finishedAt : 0, 1.7e12)
      }
    })
  )

  it.effect("is Starting while the image is pulled and Running afterwards, whatever the job's status", () =>
    Effect.gen(function* () {
      const pending = outcome(
        Option.some(yield* jobIn("job-read-pending")),
        yield* allocationsIn("allocations-pending"),
        []
      )
      assert.deepInclude(pending, { _tag: "Starting", nodeName: "vm", waiting: Option.none() })
      const running = outcome(job({ Status: "dead" }), yield* allocationsIn("allocations-running"), [])
      assert.deepInclude(running, { _tag: "Running", startedAt: Date.parse("2026-11-20T17:12:26.748Z") })
    })
  )

  it.effect(
    "is Stopping until the kill timeout is over, though the job is dead, and then Stopped, though complete",
    () =>
      Effect.gen(function* () {
        const stopping = Option.some(yield* jobIn("job-read-stopping"))
        const id = "1af5d398-70b4-7177-6d7f-dd3008d687ec"
        assert.deepStrictEqual(
          outcome(stopping, yield* allocationsIn("allocations-killing"), []),
          ChildState.Stopping({ allocationId: id })
        )
        assert.deepStrictEqual(
          outcome(Option.some(yield* jobIn("job-read-stopped")), yield* allocationsIn("allocations-killed"), []),
          ChildState.Stopped({
            allocationId: Option.some(id),
            finishedAt: Option.some(Date.parse("2026-11-20T17:13:46.427Z"))
          })
        )
      })
  )

  it.effect(
    "is Stopped, not Succeeded, when the image was still being pulled at the stop and the task then exited 0",
    () =>
      Effect.gen(function* () {
        const state = yield* judgeRecorded("allocations-killed-while-pulling", { Stop: true, Version: 1 })
        assert.strictEqual(state._tag, "Stopped")
      })
  )

  it.effect("is Queued with Nomad's reason while there is no place, and Stopped when that was given up", () =>
    Effect.gen(function* () {
      const blocked = Option.some(yield* jobIn("job-read-blocked"))
      assert.deepStrictEqual(
        outcome(blocked, [], yield* evaluationsIn("evaluations-blocked-memory")),
        ChildState.Queued({ unplaced: Option.some('Dimension "memory" exhausted on 1 node') })
      )
      assert.deepStrictEqual(
        outcome(
          Option.some(yield* jobIn("job-read-blocked-then-stopped")),
          [],
          yield* evaluationsIn("evaluations-blocked-then-stopped")
        ),
        ChildState.Stopped({ allocationId: Option.none(), finishedAt: Option.none() })
      )
    })
  )

  it("is Absent when Nomad knows nothing of it, or nothing but the shell of a forgotten job", () => {
    assert.deepStrictEqual(outcome(Option.none(), [], []), ChildState.Absent())
    assert.deepStrictEqual(outcome(Option.none(), [], [evaluation({ Status: "complete" })]), ChildState.Absent())
    assert.deepStrictEqual(outcome(job({ Status: "dead" }), [], []), ChildState.Absent())
    assert.strictEqual(outcome(job({ Status: "dead" }), [], [evaluation()])._tag, "Queued")
    assert.strictEqual(outcome(job({ Status: "pending" }), [], [])._tag, "Queued")
  })

  it.effect("is known from its allocations when the job was purged", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        outcome(Option.none(), yield* allocationsIn("allocations-failed-exit42"), [])._tag,
        "CommandFailed"
      )
      // The newest of the three still runs.
      assert.deepInclude(outcome(Option.none(), yield* allocationsIn("allocations-purged"), []), {
        _tag: "Stopping",
        allocationId: "3bd34567-93a6-8ffd-a393-6503e3e86593"
      })
    })
  )

  it.effect("is that of the replacement of a lost allocation, also when the lost one is back", () =>
    Effect.gen(function* () {
      const replacement = "d8f58609-d9b6-7c71-ab19-020e8374d7d4"
      const allocations = yield* allocationsIn("allocations-lost")
      assert.deepInclude(outcome(job(), allocations, []), { _tag: "Running", allocationId: replacement })
      assert.deepInclude(yield* judgeRecorded("allocations-lost-node-back"), {
        _tag: "Running",
        allocationId: replacement
      })
      assert.deepStrictEqual(
        outcome(
          job(),
          allocations.filter(({ ID }) => ID !== replacement),
          []
        ),
        ChildState.Lost({
          allocationId: "79b8af56-7db3-d251-7bfe-441a8688f9e3",
          message: "alloc is lost since its node is down"
        })
      )
    })
  )

  it("is that of the allocation that Nomad wants, if the newer one gave way to a node that came back", () => {
    const back = allocation({ ID: "back", CreateIndex: 1, ClientStatus: "running" })
    const gaveWay = complete({ exit_code: "143" }, { ID: "gave-way", CreateIndex: 2, DesiredStatus: "stop" })
    for (const allocations of [
      [back, gaveWay],
      [gaveWay, back]
    ]) {
      assert.deepInclude(outcome(job(), allocations, []), { _tag: "Starting", allocationId: "back" })
    }
  })

  it.effect("is Queued while a failed allocation waits to be placed anew, and then that of its successor", () =>
    Effect.gen(function* () {
      const before = yield* allocationsIn("allocations-failed-before-reschedule")
      const evaluations = yield* evaluationsIn("evaluations-before-reschedule")
      assert.deepStrictEqual(outcome(job(), before, evaluations), ChildState.Queued({ unplaced: Option.none() }))
      const blocked = [
        evaluation({ ID: before[0]?.FollowupEvalID ?? "", Status: "blocked", StatusDescription: "full" })
      ]
      assert.deepStrictEqual(outcome(job(), before, blocked), ChildState.Queued({ unplaced: Option.some("full") }))
      assert.strictEqual(outcome(job(), before, [])._tag, "CommandFailed")
      const after = yield* judgeRecorded("allocations-rescheduled")
      assert.deepInclude(after, { _tag: "CommandFailed", allocationId: "96204cbf-62e9-ec63-eef5-f6e2c245989f" })
    })
  )

  it("carries what a starting task's template waits for, until it goes on", () => {
    const missing = { Type: "Template", Time: time(2), DisplayMessage: "Missing: vault.read(secret/data/git)" }
    const starting = (...Events: ReadonlyArray<typeof missing>) =>
      outcome(job(), [allocation({ ClientStatus: "pending", TaskStates: { main: { State: "pending", Events } } })], [])
    assert.deepInclude(starting(missing), { waiting: Option.some("Missing: vault.read(secret/data/git)") })
    const pulling = { Type: "Driver", Time: time(3), DisplayMessage: "Downloading image" }
    assert.deepInclude(starting(missing, pulling), { _tag: "Starting", waiting: Option.none() })
    assert.deepInclude(outcome(job(), [allocation()], []), { _tag: "Starting", waiting: Option.none() })
  })

  it("waits for its login to Vault from its setting up on, where it has one", () => {
    const setUp = { Type: "Task Setup", Time: time(2), DisplayMessage: "Building Task Directory" }
    const started = { ClientStatus: "pending", TaskStates: { main: { State: "pending", Events: [setUp] } } }
    const of = (Vault: { readonly Role: string } | null) =>
      outcome(job({ TaskGroups: [{ Tasks: [{ Name: "main", Vault }] }] }), [allocation(started)], [])
    assert.deepInclude(of({ Role: "r" }), {
      _tag: "Starting",
      waiting: Option.some("Vault has not answered the task's client yet")
    })
    assert.deepInclude(of(null), { _tag: "Starting", waiting: Option.none() })
  })

  it("stays as it was last seen while its client doesn't answer", () => {
    const TaskStates = { main: { State: "running", StartedAt: at(2000) } }
    for (const ClientStatus of ["unknown", "a word of tomorrow's"]) {
      assert.deepStrictEqual(
        outcome(job(), [allocation({ ClientStatus, TaskStates })], []),
        ChildState.Running({ allocationId: "a", nodeId: "i", nodeName: "n", startedAt: 2000 })
      )
    }
  })

  it("is Stopping when the job was stopped and its allocation does not know yet", () => {
    const running = allocation({ ClientStatus: "running", JobVersion: 0 })
    assert.strictEqual(outcome(job({ Stop: true, Version: 1 }), [running], [])._tag, "Stopping")
    assert.strictEqual(outcome(job({ Stop: true, Version: 1 }), [complete({ exit_code: "0" })], [])._tag, "Succeeded")
  })

  it("is Lost for an allocation that had to give way to another job", () => {
    const evicted = { DesiredStatus: "evict", DesiredDescription: "Preempted by alloc ID 1" }
    assert.deepStrictEqual(
      outcome(job(), [complete({ exit_code: "0" }, evicted)], []),
      ChildState.Lost({ allocationId: "a", message: "Preempted by alloc ID 1" })
    )
  })

  it("is Lost, never Succeeded, when the end of the task proves nothing", () => {
    const killing = { Type: "Killing", Time: time(2500), DisplayMessage: "stopped by the client" }
    const cases: ReadonlyArray<readonly [Allocation, string]> = [
      [complete({}), "Exit Code: "],
      [complete({ exit_code: "0", exit_message: "executor: error waiting on process" }), "executor: error waiting"],
      [complete({ exit_code: "1", exit_message: "rpc error: code = Unavailable" }), "rpc error"],
      [
        allocation({
          ClientStatus: "complete",
          TaskStates: dead(started, killing, terminated({ exit_code: "0" }))
        }),
        "stopped by the client"
      ],
      [allocation({ ClientStatus: "complete", TaskStates: dead(started) }), "Task started by client"],
      [allocation({ ClientStatus: "complete", TaskStates: dead() }), "the task ended without a word"],
      [allocation({ ClientStatus: "complete" }), "Nomad lost the allocation"],
      [complete({ exit_code: "0" }, { ClientStatus: "failed", ClientDescription: "Failed tasks" }), "Failed tasks"]
    ]
    for (const [ended, message] of cases) {
      const state = outcome(job(), [ended], [])
      assert.strictEqual(state._tag, "Lost", message)
      assert.include("message" in state && state.message, message)
    }
  })

  it("is judged by a task that failed, wherever another succeeded", () => {
    const both = {
      ...dead(started, terminated({ exit_code: "0" })),
      other: dead(started, terminated({ exit_code: "7" })).main
    }
    const state = outcome(job(), [allocation({ ClientStatus: "failed", TaskStates: both })], [])
    assert.deepInclude(state, { _tag: "CommandFailed", exitCode: 7, finishedAt: 3100 })
  })

  it("ends when Nomad last changed the allocation, if no task tells its end", () => {
    const TaskStates = {
      main: { State: "dead", StartedAt: at(2000), Events: [started, terminated({ exit_code: "0" })] }
    }
    assert.deepInclude(
      outcome(job(), [allocation({ ClientStatus: "complete", TaskStates, ModifyTime: time(9000) })], []),
      { _tag: "Succeeded", finishedAt: 9000 }
    )
  })
})

const among = (...values: ReadonlyArray<string>) => FastCheck.constantFrom(...values)
const eventTypes = ["Started", "Terminated", "Killing", "Driver Failure", "Not Restarting", "Template", "?"]

const anyAllocation = FastCheck.tuple(
  Arbitrary.make(Schema.typeSchema(Allocation)),
  among("run", "stop", "evict", ""),
  among("pending", "running", "complete", "failed", "lost", "unknown", ""),
  FastCheck.array(FastCheck.tuple(among(...eventTypes), among("0", "1", ""), among("0", "9"), among("", "text"))),
  FastCheck.option(FastCheck.nat())
).map(([base, DesiredStatus, ClientStatus, events, start]): Allocation => ({
  ...base,
  DesiredStatus,
  ClientStatus,
  TaskStates: {
    main: {
      State: "dead",
      Failed: false,
      Restarts: 0,
      StartedAt: Option.fromNullable(start),
      FinishedAt: Option.none(),
      Events: events.map(([Type, exit_code, signal, exit_message]) => ({
        Type,
        Time: 1,
        DisplayMessage: "",
        Details: { exit_code, signal, exit_message }
      }))
    }
  }
}))

const anySnapshot = FastCheck.tuple(
  FastCheck.option(Arbitrary.make(Schema.typeSchema(Job))),
  FastCheck.array(anyAllocation, { maxLength: 4 }),
  FastCheck.array(Arbitrary.make(Schema.typeSchema(Evaluation)), { maxLength: 3 })
)

describe("whatever Nomad answers", () => {
  it.prop(
    "there is a state, and success is only what its allocation proves",
    [anySnapshot],
    ([[whole, allocations, evaluations]]) => {
      const state = outcome(Option.fromNullable(whole), allocations, evaluations)
      if (state._tag !== "Succeeded") return typeof state._tag === "string"
      const proof = allocations.find(({ ID }) => ID === state.allocationId)
      const last = proof?.TaskStates["main"]?.Events.findLast(({ Type }) => Type === "Terminated")
      return (
        proof?.DesiredStatus === "run" &&
        proof.ClientStatus === "complete" &&
        last?.Details["exit_code"] === "0" &&
        last.Details["signal"] === "0" &&
        last.Details["exit_message"] === ""
      )
    },
    { fastCheck: { numRuns: 300 } }
  )

  it.prop(
    "what allocations alone prove is what job and evaluations lead to",
    [anySnapshot],
    ([[whole, allocations, evaluations]]) => {
      // Somebody who changes a job makes another of it.
      const first = allocations.map((each) => ({ ...each, JobVersion: 0, FollowupEvalID: "" }))
      const registered = Option.map(Option.fromNullable(whole), (job) => ({ ...job, Version: 0 }))
      Option.map(finalOf(first), (state) => assert.deepStrictEqual(state, outcome(registered, first, evaluations)))
    },
    { fastCheck: { numRuns: 300 } }
  )

  it("that has ended for good is proved by its allocations alone, and not before", () => {
    assert.strictEqual(
      Option.map(finalOf([complete({ exit_code: "0", signal: "0" })]), ({ _tag }) => _tag).pipe(Option.getOrNull),
      "Succeeded"
    )
    const open = [
      allocation({ ClientStatus: "running" }),
      allocation({ ClientStatus: "failed", FollowupEvalID: "later" }),
      complete({ exit_code: "0" }, { DesiredStatus: "stop" }),
      complete({ exit_code: "0" }, { JobVersion: 1 })
    ]
    for (const one of open) assert.isTrue(Option.isNone(finalOf([one])), JSON.stringify(one))
  })

  it.prop("the order of the lists doesn't matter", [anySnapshot], ([[whole, allocations, evaluations]]) => {
    const distinct = allocations.map((each, index) => ({ ...each, CreateIndex: index }))
    const places = evaluations.map((each, index) => ({ ...each, CreateIndex: index }))
    const one = outcome(Option.fromNullable(whole), distinct, places)
    const other = outcome(Option.fromNullable(whole), distinct.toReversed(), places.toReversed())
    assert.deepStrictEqual(one, other)
  })
})
