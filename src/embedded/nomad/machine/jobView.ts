import { type Allocation, allocationsOfJob, evaluationsOfJob, type NomadState, type StoredJob } from "./NomadState.ts"

/** How many instances of each group are where. */
export const jobSummary = (state: NomadState, job: StoredJob) => {
  const allocations = allocationsOfJob(state, job.ID).filter((row) => row.Job.CreateIndex === job.CreateIndex)
  const evaluations = evaluationsOfJob(state, job.ID)
  const judged = evaluations
    .filter((row) => row.QueuedAllocations !== undefined && row.Status !== "canceled")
    .toSorted((a, b) => b.ModifyIndex - a.ModifyIndex)[0]
  return {
    JobID: job.ID,
    Namespace: job.Namespace,
    Summary: Object.fromEntries(
      (job.TaskGroups ?? []).map((group) => [
        group.Name,
        counts(
          allocations.filter((row) => row.TaskGroup === group.Name),
          job.Stop ? 0 : (judged?.QueuedAllocations?.[group.Name] ?? 0)
        )
      ])
    ),
    Children: { Dead: 0, Pending: 0, Running: 0 },
    CreateIndex: job.CreateIndex,
    ModifyIndex: Math.max(job.CreateIndex, judged?.ModifyIndex ?? 0, ...allocations.map((row) => row.ModifyIndex))
  }
}

/** A job as lists show it. */
export const jobStub = (state: NomadState, job: StoredJob, withMeta: boolean) => ({
  ID: job.ID,
  ParentID: "",
  Name: job.Name,
  Namespace: job.Namespace,
  Datacenters: job.Datacenters,
  NodePool: job.NodePool,
  Multiregion: null,
  Type: job.Type,
  Priority: job.Priority,
  Periodic: false,
  ParameterizedJob: false,
  Stop: job.Stop,
  Status: job.Status,
  StatusDescription: job.StatusDescription,
  JobSummary: jobSummary(state, job),
  CreateIndex: job.CreateIndex,
  ModifyIndex: job.ModifyIndex,
  JobModifyIndex: job.JobModifyIndex,
  SubmitTime: job.SubmitTime,
  ...(withMeta && job.Meta !== null ? { Meta: job.Meta } : {})
})

const counts = (allocations: ReadonlyArray<Allocation>, queued: number) => {
  const count = (status: Allocation["ClientStatus"]): number =>
    allocations.filter((row) => row.ClientStatus === status).length
  return {
    Queued: queued,
    Complete: count("complete"),
    Failed: count("failed"),
    Running: count("running"),
    Starting: count("pending"),
    Lost: count("lost"),
    Unknown: count("unknown")
  }
}
