import type { Cause } from "../../../../src/diagnosis/Cause.ts"
import type { Reason } from "../../../../src/domain/Status.ts"

/** An attempt's outcome that an embedded Nomad can't have: its driver enforces no memory limit and loses no node. */
export interface RecordedCase {
  readonly name: string
  readonly label: Cause
  readonly also?: ReadonlyArray<Cause>
  readonly phase: "build" | "test" | "publish"
  readonly exit_code?: number
  readonly reason: Reason
  readonly message: string
  readonly note: string
}

/** Answers of a real Nomad, `test/fixtures/nomad`, in the words that the product makes of them. None of them has a log. */
export const recordedCases: ReadonlyArray<RecordedCase> = [
  {
    name: "docker-killed-for-memory",
    label: "out-of-memory",
    phase: "test",
    exit_code: 137,
    reason: "OutOfMemory",
    message: "killed for want of memory (OOM Killed)",
    note: "allocations-oom: docker kills a container that outgrows its memory"
  },
  {
    name: "node-went-down",
    label: "infrastructure",
    phase: "build",
    reason: "ChildLost",
    message: "alloc is lost since its node is down",
    note: "allocations-lost: the node of the build stops answering"
  },
  {
    name: "test-image-registry-down",
    label: "registry-unreachable",
    also: ["infrastructure", "network-unreachable"],
    phase: "test",
    reason: "RegistryUnreachable",
    message:
      'Failed to pull `127.0.0.1:5999/temp/none:latest`: API error (500): Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
    note: "allocations-registry-down: a node can't pull the image under test"
  },
  {
    name: "datacenter-without-nodes",
    label: "unplaceable",
    phase: "build",
    reason: "Unplaceable",
    message:
      'Nomad can\'t place the job: No nodes were eligible for evaluation; No nodes are available in datacenter "dc9"',
    note: "evaluations-blocked-dc: a datacenter that has no nodes"
  },
  {
    name: "cache-volume-nowhere",
    label: "unplaceable",
    also: ["infrastructure"],
    phase: "build",
    reason: "Unplaceable",
    message: 'Nomad can\'t place the job: Constraint "missing compatible host volumes": 1 node excluded by filter',
    note: "evaluations-blocked-host-volume: no client has the host volume of the layer cache"
  }
]
