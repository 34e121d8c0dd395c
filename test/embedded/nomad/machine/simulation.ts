import { Either } from "effect"
import type { Change, Ids } from "../../../../src/embedded/nomad/machine/Draft.ts"
import { decodeRegisterRequest, type Job } from "../../../../src/embedded/nomad/machine/JobSpec.ts"
import type { Command, Reply } from "../../../../src/embedded/nomad/machine/NomadCommand.ts"
import { step } from "../../../../src/embedded/nomad/machine/NomadMachine.ts"
import {
  allocationsOfJob,
  type Allocation,
  emptyState,
  evaluationsOfJob,
  type NomadNode,
  type NomadState
} from "../../../../src/embedded/nomad/machine/NomadState.ts"
import { pendingTask, terminated, at } from "../../../../src/embedded/nomad/machine/TaskEvent.ts"

/** A batch job as our controller registers them, with changes. */
export const batchJob = (id: string, changes: Readonly<Record<string, unknown>> = {}): Job =>
  jobOf({ ...plain(id), ...changes })

export const plain = (id: string): Readonly<Record<string, unknown>> => ({
  ID: id,
  Type: "batch",
  Datacenters: ["dc1"],
  TaskGroups: [group({})]
})

export const group = (
  changes: Readonly<Record<string, unknown>>,
  task: Readonly<Record<string, unknown>> = {}
): Readonly<Record<string, unknown>> => ({
  Name: "main",
  RestartPolicy: { Attempts: 0, Interval: 60_000_000_000, Mode: "fail" },
  ReschedulePolicy: { Attempts: 0, Unlimited: false },
  Tasks: [
    {
      Name: "main",
      Driver: "docker",
      Config: { image: "127.0.0.1:5000/base:1", command: "sh", args: ["-c", "true"] },
      Resources: { CPU: 100, MemoryMB: 64 },
      ...task
    }
  ],
  ...changes
})

export const jobOf = (json: unknown): Job => {
  const { request } = Either.getOrThrowWith(decodeRegisterRequest({ Job: json }), (text) => new Error(text))
  if (request.Job === null) throw new Error("no job")
  return request.Job
}

export const node = (
  name: string,
  changes: Partial<NomadNode> = {}
): Extract<Command, { readonly _tag: "UpsertNode" }>["node"] => ({
  ID: `00000000-0000-4000-8000-${name.padStart(12, "0")}`,
  Name: name,
  Datacenter: "dc1",
  NodePool: "default",
  NodeClass: "",
  Address: "127.0.0.1",
  HTTPAddr: "127.0.0.1:4646",
  Attributes: { "kernel.name": "linux", "nomad.version": "1.10.5", "cpu.numcores": "8" },
  Meta: { rack: "r1" },
  Drivers: ["docker"],
  HostVolumes: { cache: { Name: "cache", Path: "/srv/cache", ReadOnly: false } },
  Devices: [],
  Cpu: 1000,
  MemoryMB: 1000,
  DiskMB: 10_000,
  ...changes
})

/** Drives the machine on a clock of its own, one second a command. */
export class Simulation {
  state: NomadState = emptyState
  readonly changes: Array<Change> = []
  readonly older: Array<NomadState> = []
  private commands = 0

  run(command: Command): Reply {
    this.commands += 1
    const commands = this.commands
    const ids: Ids = (ordinal) =>
      `${String(commands).padStart(8, "0")}-0000-4000-8000-${String(ordinal).padStart(12, "0")}`
    this.older.push(this.state)
    const result = step(this.state, command, commands * 1e9, ids)
    this.state = result.state
    this.changes.push(...result.changes)
    return result.reply
  }

  register(job: Job, enforceIndex?: number): Reply {
    return this.run({ _tag: "Register", job, ...(enforceIndex === undefined ? {} : { enforceIndex }) })
  }

  /** Newest first. */
  allocations(jobId: string): ReadonlyArray<Allocation> {
    return allocationsOfJob(this.state, jobId).toSorted((a, b) => b.CreateIndex - a.CreateIndex)
  }

  only(jobId: string): Allocation {
    const [allocation, ...others] = this.allocations(jobId)
    if (allocation === undefined || others.length > 0) throw new Error(`${others.length + 1} allocations of ${jobId}`)
    return allocation
  }

  /** In the order of their creation. */
  evaluations(jobId: string) {
    return evaluationsOfJob(this.state, jobId).toSorted((a, b) => a.CreateIndex - b.CreateIndex)
  }

  report(allocation: Allocation, clientStatus: Allocation["ClientStatus"], exitCode = 0): Reply {
    const exit = { exitCode, signal: 0, oomKilled: false }
    return this.run({
      _tag: "UpdateAllocations",
      updates: [
        {
          id: allocation.ID,
          clientStatus,
          clientDescription: "",
          taskStates: { main: { ...pendingTask, Events: [at(terminated(exit), 1)] } }
        }
      ]
    })
  }
}
