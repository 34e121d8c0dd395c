import { Option } from "effect"
import type { Phase } from "../domain/Status.ts"
import type { JobStub } from "../nomad/Job.ts"

/** A Nomad job that this installation registered, as a list shows it. */
export interface Child {
  readonly id: string
  readonly phase: Phase
  readonly jobId: string
  readonly attempt: number
  /** Name of the record that it was registered for. */
  readonly record: string
  readonly meta: Readonly<Record<string, string>>
  /** Its tasks may still run for their kill timeout. */
  readonly over: boolean
  readonly createIndex: number
  readonly modifyIndex: number
  /** Milliseconds since the epoch. */
  readonly submittedAt: number
}

/** What the ids of all children begin with: how Nomad lists them. */
export const childPrefixes = ["build-", "test-cmd-", "test-entry-", "publish-", "cleanup-"] as const

/** A child, if id and Meta both say that it is this installation's. */
export const childOf = (
  installation: string,
  stub: JobStub,
  meta: Readonly<Record<string, string>>
): Option.Option<Child> => {
  const [, kind, jobId, attempt] = idPattern.exec(stub.ID) ?? []
  const record = meta["jobforge-record"]
  if (kind === undefined || jobId === undefined || attempt === undefined || record === undefined) return Option.none()
  if (meta["jobforge-installation"] !== installation) return Option.none()
  return Option.some({
    id: stub.ID,
    phase: phases[kind] ?? "test",
    jobId,
    attempt: Number(attempt),
    record,
    meta,
    over: stub.Stop || stub.Status === "dead",
    createIndex: stub.CreateIndex,
    modifyIndex: stub.ModifyIndex,
    submittedAt: stub.SubmitTime
  })
}

/** The run that a child belongs to, by the child's id. */
export const jobIdIn = (id: string): string | undefined => idPattern.exec(id)?.[2]

/** Whether an id could be a child's: Meta needn't be asked for where it isn't. */
export const looksLikeChild = (id: string): boolean => idPattern.test(id)

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

const idPattern = new RegExp(`^(build|test-cmd|test-entry|publish|cleanup)-(${uuid})(?:-\\d+)?-(\\d+)$`)

const phases: Readonly<Record<string, Phase>> = { build: "build", publish: "publish", cleanup: "cleanup" }
