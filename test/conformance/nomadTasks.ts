import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import type { Allocation, TaskState } from "../../src/nomad/Allocation.ts"
import { file, nomadArea, type ScriptTask, utf8 } from "./nomadArea.ts"
import { part } from "./part.ts"

const mainOf = ({ TaskStates }: Allocation): TaskState => TaskStates["main"] ?? assert.fail("no task state")

const typesOf = (task: TaskState): ReadonlyArray<string> => task.Events.map(({ Type }) => Type)

/** `retries`: why the engine doesn't start a failed task or allocation again; none when it does. */
export const taskConformance = (address: () => string, scriptTask: ScriptTask, retries: string | undefined): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))
  const broken = (config: Readonly<Record<string, unknown>>) => {
    const { Config, ...task } = scriptTask("true")
    return { task: { ...task, Config: { ...Object(Config), ...config } } }
  }

  describe("an allocation", () => {
    it.scopedLive("tells the same in the list of its job and alone, with all that happened to its task", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad, run } = yield* area
        const before = yield* Clock.currentTimeMillis
        const allocationId = yield* run("sleep 0.3")
        yield* becomes("Succeeded")
        // Clients tell their updates in batches.
        yield* Effect.sleep("500 millis")
        const [listed] = yield* nomad.allocations(id)
        const alone = Option.getOrThrow(yield* nomad.allocation(allocationId))
        assert.deepStrictEqual(listed, alone)
        const [node] = yield* nomad.nodes()
        const register = yield* nomad.evaluations(id)
        assert.deepInclude(alone, {
          Name: `${id}.main[0]`,
          Namespace: "default",
          JobID: id,
          TaskGroup: "main",
          DesiredStatus: "run",
          ClientStatus: "complete",
          NodeID: node?.ID ?? "",
          NodeName: node?.Name ?? "",
          FollowupEvalID: "",
          NextAllocation: "",
          JobVersion: 0
        })
        assert.include(
          register.map(({ ID }) => ID),
          alone.EvalID
        )
        assert.isAbove(alone.ModifyIndex, alone.CreateIndex)
        const task = mainOf(alone)
        assert.deepInclude(task, { State: "dead", Failed: false, Restarts: 0 })
        const happened = typesOf(task).filter((type) => type !== "Driver")
        assert.deepStrictEqual(happened, ["Received", "Task Setup", "Started", "Terminated"])
        const ended = task.Events.at(-1)
        assert.deepInclude(ended?.Details, { exit_code: "0", oom_killed: "false", signal: "0" })
        const times = [before, alone.CreateTime, ...task.Events.map(({ Time }) => Time), yield* Clock.currentTimeMillis]
        assert.deepStrictEqual(
          times,
          times.toSorted((a, b) => a - b)
        )
        assert.strictEqual(yield* Effect.map(nomad.validate(job("true")), ({ errors }) => errors.length), 0)
      })
    )

    it.scopedLive("that failed tells the exit code, and that it isn't started again", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        yield* run("exit 3")
        yield* becomes("CommandFailed")
        const [allocation] = yield* nomad.allocations(id)
        if (allocation === undefined) return assert.fail("no allocation")
        const task = mainOf(allocation)
        assert.deepInclude(task, { State: "dead", Failed: true })
        assert.deepStrictEqual(typesOf(task).slice(-2), ["Terminated", "Not Restarting"])
        assert.strictEqual(task.Events.at(-2)?.Details["exit_code"], "3")
        // Nothing is to be tried again, so nothing is evaluated.
        assert.deepStrictEqual(
          (yield* nomad.evaluations(id)).map(({ TriggeredBy }) => TriggeredBy),
          ["job-register"]
        )
      })
    )

    it.scopedLive("that was stopped hasn't failed: only what is wanted of it, and its events, tell", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run, says } = yield* area
        const allocationId = yield* run("trap 'exit 0' TERM INT; echo ready; while :; do sleep 0.05; done")
        yield* says(allocationId, "ready")
        yield* nomad.stop(id)
        yield* becomes("Stopped")
        const allocation = Option.getOrThrow(yield* nomad.allocation(allocationId))
        assert.deepInclude(allocation, { ClientStatus: "complete", DesiredStatus: "stop" })
        assert.notStrictEqual(allocation.DesiredDescription, "")
        const task = mainOf(allocation)
        assert.deepInclude(task, { State: "dead", Failed: false })
        assert.deepStrictEqual(typesOf(task).slice(-3), ["Killing", "Terminated", "Killed"])
        const evaluations = yield* nomad.evaluations(id)
        assert.sameMembers(
          evaluations.map(({ TriggeredBy }) => TriggeredBy),
          ["job-register", "job-deregister"]
        )
      })
    )

    it.scopedLive("whose task can't be read by its driver never starts, has no output, and says why", () =>
      Effect.gen(function* () {
        const option = yield* area
        const allocationId = yield* option.run("true", broken({ nosuch: 1 }))
        const never = yield* option.becomes("NeverStarted")
        assert.strictEqual(never.reason, "validation")
        assert.include(never.message, 'No argument or block type is named "nosuch"')
        const allocation = Option.getOrThrow(yield* option.nomad.allocation(allocationId))
        assert.deepInclude(allocation, { ClientStatus: "failed", DesiredStatus: "run" })
        assert.deepStrictEqual(mainOf(allocation).StartedAt, Option.none())
        assert.strictEqual(utf8(yield* option.nomad.logs(allocationId, "main", "stdout")), "")
        const variable = yield* area
        yield* variable.run("true", broken({ args: ["-c", "echo ${nosuch}"] }))
        const unread = yield* variable.becomes("NeverStarted")
        assert.strictEqual(unread.reason, "validation")
        assert.include(unread.message, 'There is no variable named "nosuch"')
      })
    )

    it.scopedLive("has its job's variables and Meta in its environment, and templates rendered before it starts", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        const names = "JOB_ID ALLOC_ID TASK_NAME GROUP_NAME DC REGION NAMESPACE META_owner".split(" ")
        const variables = [...names.map((name) => `$NOMAD_${name}`), "$OWN", "$LEFT", "$MADE"]
        const allocationId = yield* run(`printf '%s\\n' ${variables.map((name) => `"${name}"`).join(" ")}; sleep 0.3`, {
          Meta: { owner: "conformance" },
          task: {
            Env: { OWN: "<${NOMAD_JOB_ID}>", LEFT: "${NO_SUCH} $HOME" },
            Templates: [
              { EmbeddedTmpl: 'MADE={{ env "NOMAD_TASK_NAME" | toUpper }}', DestPath: "local/env", Envvars: true },
              { EmbeddedTmpl: '{{ env "NOMAD_JOB_ID" | toJSON }}', DestPath: "local/made.json", ChangeMode: "noop" }
            ]
          }
        })
        yield* becomes("Succeeded")
        assert.deepStrictEqual(utf8(yield* nomad.logs(allocationId, "main", "stdout")).split("\n"), [
          id,
          allocationId,
          "main",
          "main",
          "dc1",
          "global",
          "default",
          "conformance",
          `<${id}>`,
          "${NO_SUCH} $HOME",
          "MAIN",
          ""
        ])
        assert.strictEqual(file(yield* nomad.readFile(allocationId, "main/local/made.json")), `"${id}"`)
      })
    )

    it.scopedLive("of a changed job takes the place of the earlier one, and speaks for the job", () =>
      Effect.gen(function* () {
        const { becomes, id, job, nomad, run } = yield* area
        const first = yield* run("sleep 30", { task: { KillTimeout: 500_000_000 } })
        yield* becomes("Running")
        const before = Option.getOrThrow(yield* nomad.job(id))
        const changed = yield* nomad.register(job("sleep 0.2", { Meta: { changed: "yes" } }))
        assert.isAbove(changed.jobModifyIndex, before.JobModifyIndex)
        const ended = yield* becomes("Succeeded")
        assert.notStrictEqual(ended.allocationId, first)
        assert.strictEqual(Option.getOrThrow(yield* nomad.job(id)).Version, before.Version + 1)
        const versions = new Map((yield* nomad.allocations(id)).map(({ ID, JobVersion }) => [ID, JobVersion]))
        assert.deepStrictEqual([versions.get(first), versions.get(ended.allocationId)], [0, 1])
        assert.strictEqual(Option.getOrThrow(yield* nomad.allocation(first)).DesiredStatus, "stop")
      })
    )
  })

  part("a task or allocation that is tried again", retries, () => {
    it.scopedLive("as its restart policy says has one verdict: that of its last run", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        yield* run('test -e "$NOMAD_ALLOC_DIR/again" || { : > "$NOMAD_ALLOC_DIR/again"; exit 1; }; sleep 0.3', {
          group: { RestartPolicy: { Attempts: 1, Interval: 60_000_000_000, Delay: 100_000_000, Mode: "fail" } }
        })
        yield* becomes("Succeeded")
        const [allocation] = yield* nomad.allocations(id)
        if (allocation === undefined) return assert.fail("no allocation")
        assert.strictEqual(mainOf(allocation).Restarts, 1)
        assert.include(typesOf(mainOf(allocation)), "Restarting")
      })
    )

    it.scopedLive("as its reschedule policy says isn't final before its last allocation", () =>
      Effect.gen(function* () {
        const { becomes, id, nomad, run } = yield* area
        const policy = { Attempts: 1, Interval: 3_600_000_000_000, Delay: 5_000_000_000, DelayFunction: "constant" }
        const first = yield* run("sleep 0.3; exit 7", { group: { ReschedulePolicy: { ...policy, Unlimited: false } } })
        yield* becomes("Queued")
        const failed = Option.getOrThrow(yield* nomad.allocation(first))
        assert.deepInclude(failed, { ClientStatus: "failed", DesiredStatus: "run" })
        const followUp = (yield* nomad.evaluations(id)).find(({ ID }) => ID === failed.FollowupEvalID)
        assert.strictEqual(followUp?.Status, "pending")
        const last = yield* becomes("CommandFailed")
        assert.notStrictEqual(last.allocationId, first)
        assert.strictEqual(Option.getOrThrow(yield* nomad.allocation(first)).NextAllocation, last.allocationId)
      })
    )
  })
}
