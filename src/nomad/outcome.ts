import { Option } from "effect"
import { ChildState } from "../domain/ChildState.ts"
import type { Allocation } from "./Allocation.ts"
import type { Evaluation } from "./Evaluation.ts"
import type { Job } from "./Job.ts"
import { unplaced } from "./placement.ts"
import { judgeTask, TaskVerdict } from "./judgeTask.ts"

/**
 * What Nomad's answers about one child add up to.
 *
 * The job's own status isn't asked whether a task runs or succeeded: a stopped job is `dead` while its task runs on,
 * and a stopped allocation ends as `complete`. A state that this knows nothing of counts as still under way, since the
 * controller's deadlines end that, while a wrong end would be final.
 */
export const outcome = (
  job: Option.Option<Job>,
  allocations: ReadonlyArray<Allocation>,
  evaluations: ReadonlyArray<Evaluation>
): ChildState =>
  Option.match(judged(job, allocations), {
    onNone: () => withoutAllocation(job, evaluations),
    onSome: (allocation) => ofAllocation(allocation, evaluations, job)
  })

/**
 * What allocations alone prove: the newest that Nomad wants is one of the job as it was registered first, has ended, and no
 * evaluation will place it anew. `outcome` judges the same, whatever the evaluations say, unless somebody changed the job.
 */
export const finalOf = (allocations: ReadonlyArray<Allocation>): Option.Option<ChildState> =>
  Option.filterMap(judged(Option.none(), allocations), (allocation) =>
    isWanted(allocation) && hasEnded(allocation) && allocation.JobVersion === 0 && allocation.FollowupEvalID === ""
      ? Option.some(ended(allocation))
      : Option.none()
  )

const isStopped = Option.exists<Job>(({ Stop }) => Stop)

/**
 * The allocation that speaks for the child: the newest that Nomad still wants, else the newest.
 *
 * Nomad replaces a lost one, and the lost one may come back. A changed job counts from its newest version on; a stop is
 * a version too, but one that makes no allocations.
 */
const judged = (job: Option.Option<Job>, allocations: ReadonlyArray<Allocation>): Option.Option<Allocation> => {
  const current = Option.match(job, {
    onNone: () => allocations,
    onSome: ({ Stop, Version }) => allocations.filter(({ JobVersion }) => Stop || JobVersion >= Version)
  })
  return Option.fromNullable(
    current.toSorted((a, b) => Number(isWanted(b)) - Number(isWanted(a)) || b.CreateIndex - a.CreateIndex)[0]
  )
}

const isWanted = ({ DesiredStatus }: Allocation): boolean => DesiredStatus === "run"

const withoutAllocation = (job: Option.Option<Job>, evaluations: ReadonlyArray<Evaluation>): ChildState => {
  if (Option.isNone(job)) return ChildState.Absent()
  // Its allocations and evaluations were collected as garbage before it was: a stop makes an evaluation, too.
  if (job.value.Status === "dead" && evaluations.length === 0) return ChildState.Absent()
  return job.value.Stop
    ? ChildState.Stopped({ allocationId: Option.none(), finishedAt: Option.none() })
    : ChildState.Queued({ unplaced: unplaced(evaluations) })
}

const ofAllocation = (
  allocation: Allocation,
  evaluations: ReadonlyArray<Evaluation>,
  job: Option.Option<Job>
): ChildState => {
  if (allocation.ClientStatus === "lost") return lost(allocation, allocation.DesiredDescription)
  if (!isWanted(allocation))
    return hasEnded(allocation) ? removed(allocation) : ChildState.Stopping({ allocationId: allocation.ID })
  if (!hasEnded(allocation))
    return isStopped(job) ? ChildState.Stopping({ allocationId: allocation.ID }) : underWay(allocation, job)
  return willRunAgain(allocation, evaluations)
    ? ChildState.Queued({ unplaced: unplaced(evaluations) })
    : ended(allocation)
}

const hasEnded = ({ ClientStatus }: Allocation): boolean => ClientStatus === "complete" || ClientStatus === "failed"

/** A failed allocation isn't final while the evaluation that will place it anew waits for its time. */
const willRunAgain = ({ FollowupEvalID }: Allocation, evaluations: ReadonlyArray<Evaluation>): boolean =>
  evaluations.some(({ ID, Status }) => ID === FollowupEvalID && (Status === "pending" || Status === "blocked"))

/** Ended because the servers wanted it gone. Evicted is what gave way to a job of a higher priority. */
const removed = (allocation: Allocation): ChildState =>
  allocation.DesiredStatus === "evict"
    ? lost(allocation, allocation.DesiredDescription)
    : ChildState.Stopped({ allocationId: Option.some(allocation.ID), finishedAt: finishOf(allocation) })

const lost = (allocation: Allocation, message: string): ChildState =>
  ChildState.Lost({
    allocationId: allocation.ID,
    message: message || allocation.ClientDescription || "Nomad lost the allocation"
  })

/** A client that doesn't answer (`unknown`) leaves the allocation as it was last seen, until Nomad calls it lost. */
const underWay = (allocation: Allocation, job: Option.Option<Job>): ChildState => {
  const { ID: allocationId, NodeID: nodeId, NodeName: nodeName, TaskStates } = allocation
  const tasks = Object.values(TaskStates)
  const logsIn = Option.exists(job, usesVault)
  const running = tasks.find(({ StartedAt, State }) => State !== "pending" && Option.isSome(StartedAt))
  return running === undefined
    ? ChildState.Starting({
        allocationId,
        nodeId,
        nodeName,
        waiting: Option.firstSomeOf(tasks.map((task) => waitsFor(task, logsIn)))
      })
    : ChildState.Running({ allocationId, nodeId, nodeName, startedAt: Option.getOrElse(running.StartedAt, () => 0) })
}

/**
 * `Missing: vault.read(…)`, as long as nothing has happened since. Of a login to Vault that doesn't succeed, which it tries
 * again without end, Nomad says nothing at all: it is what comes after the task's folder and before its templates.
 */
const waitsFor = ({ Events }: Allocation["TaskStates"][string], logsIn: boolean): Option.Option<string> =>
  Option.flatMapNullable(Option.fromNullable(Events.at(-1)), ({ DisplayMessage, Type }) => {
    if (Type === "Template") return DisplayMessage
    return logsIn && Type === "Task Setup" ? noLogin : undefined
  })

const noLogin = "Vault has not answered the task's client yet"

const usesVault = ({ TaskGroups }: Job): boolean =>
  TaskGroups.some(({ Tasks }) => Tasks.some(({ Vault }) => Vault !== null))

const ended = (allocation: Allocation): ChildState => {
  const { ID: allocationId, NodeID: nodeId, NodeName: nodeName } = allocation
  const verdicts = Object.values(allocation.TaskStates).map(judgeTask)
  const finishedAt = Option.getOrElse(finishOf(allocation), () => allocation.ModifyTime)
  const worst = verdicts.find((verdict) => !TaskVerdict.$is("Succeeded")(verdict)) ?? verdicts[0]
  if (worst === undefined) return lost(allocation, "")
  return TaskVerdict.$match(worst, {
    Succeeded: ({ startedAt }) =>
      allocation.ClientStatus === "complete"
        ? ChildState.Succeeded({ allocationId, nodeId, nodeName, startedAt, finishedAt })
        : lost(allocation, ""),
    CommandFailed: ({ exitCode, message, oomKilled, startedAt }) =>
      ChildState.CommandFailed({ allocationId, nodeId, nodeName, exitCode, oomKilled, message, startedAt, finishedAt }),
    NeverStarted: ({ message, reason }) =>
      ChildState.NeverStarted({ allocationId, nodeId, nodeName, reason, message, finishedAt }),
    Interrupted: ({ message }) => lost(allocation, message)
  })
}

const finishOf = ({ TaskStates }: Allocation): Option.Option<number> => {
  const times = Object.values(TaskStates).flatMap(({ FinishedAt }) => Option.toArray(FinishedAt))
  return times.length === 0 ? Option.none() : Option.some(Math.max(...times))
}
