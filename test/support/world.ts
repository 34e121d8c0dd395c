import { Duration, Either, Option } from "effect"
import { ChildState } from "../../src/domain/ChildState.ts"
import { alone, type Competition } from "../../src/domain/Competition.ts"
import { decide } from "../../src/domain/decide.ts"
import { decodeInput, type DesiredRecord } from "../../src/domain/decodeRecord.ts"
import type { Policy } from "../../src/domain/Policy.ts"
import { systemLimits } from "../../src/domain/resolve.ts"
import {
  Action,
  type Collected,
  type Decision,
  type JobRequest,
  RecordView,
  type Snapshot
} from "../../src/domain/Snapshot.ts"
import type { Attempt, Status } from "../../src/domain/Status.ts"

export const policy: Policy = {
  installation: "11111111-2222-4333-8444-555555555555",
  defaults: { buildTimeout: Duration.minutes(30), testTimeout: Duration.minutes(15), limits: systemLimits },
  publishTimeout: 900_000,
  queueTimeout: 3_600_000,
  unplacedGrace: 300_000,
  startGrace: 50_000,
  stopGrace: 90_000,
  jobTimeout: 100 * 3_600_000,
  maxRunning: 0,
  maxRunningPerOwner: 0,
  maxAttempts: 3,
  retryBackoff: 5000,
  logsGrace: 60_000,
  registryBase: "registry.example.com:5000",
  temporaryPrefix: "temp",
  vaultPaths: [],
  vaultPolicyRoles: {}
}

export const minimal = {
  owner: "me",
  repo_url: "https://git.example.com/app.git",
  image_name: "app",
  registry_url: "registry.example.com:5000/team"
}

export const desired = (fields: Readonly<Record<string, unknown>> = {}): DesiredRecord =>
  Either.getOrThrowWith(decodeInput({ ...minimal, ...fields }), (errors) => new Error(JSON.stringify(errors)))

export const valid = (fields: Readonly<Record<string, unknown>> = {}): RecordView =>
  RecordView.Valid({ desired: desired(fields) })

export const tested = { test: { commands: ["true", "false"], entry_point: true } }

export const digest = `sha256:${"a".repeat(64)}`

export const archived: Collected = {
  logs: "archived",
  logBytes: 12,
  logTruncated: false,
  tail: ["[main/stderr] the end"],
  result: Option.none(),
  failure: Option.none()
}

export const reported: Collected = {
  ...archived,
  result: Option.some({ digest, commit: Option.some("c".repeat(40)) })
}

/** A record, its status, and a Nomad that does what the test says: a shell around `decide` without any I/O. */
export class World {
  record: RecordView = valid()
  status: Status | undefined = undefined
  now = 1_000_000
  policy: Policy = policy
  competition: Competition = alone
  requests: Array<JobRequest> = []
  readonly children = new Map<string, ChildState>()
  readonly collected = new Map<string, Collected>()
  readonly rejected = new Map<string, string>()
  /** Every act, in order, as `Register build-…`. */
  readonly log: Array<string> = []
  last: Decision = { status: Option.none(), ended: Option.none(), actions: [], handled: [], again: Option.none() }

  /** One pass as the shell makes it: reports of ended children are fetched before the status is written. */
  pass(): Decision {
    let decision = decide(this.snapshot(new Map()))
    const wanted = decision.actions.filter(Action.$is("Collect"))
    if (wanted.length > 0) {
      const reports = wanted.map(({ attempt }) => {
        const known = this.collected.get(attempt.nomad_job_id)
        return [attempt.nomad_job_id, known ?? archived] as const
      })
      decision = decide(this.snapshot(new Map(reports)))
    }
    if (Option.isSome(decision.status)) this.status = decision.status.value
    this.requests = this.requests.filter(({ id }) => !decision.handled.includes(id))
    for (const action of decision.actions) {
      if (action._tag === "Register") {
        const id = action.attempt.nomad_job_id
        this.log.push(`Register ${id}`)
        if (!this.children.has(id) && !this.rejected.has(id)) {
          this.children.set(id, ChildState.Queued({ unplaced: Option.none() }))
        }
      }
      if (action._tag === "Purge") this.log.push(`Purge ${action.nomadJobId}`)
      if (action._tag === "Stop") {
        this.log.push(`Stop ${action.nomadJobId}`)
        const state = this.children.get(action.nomadJobId)
        if (state !== undefined && !ended.has(state._tag)) {
          this.children.set(
            action.nomadJobId,
            ChildState.Stopped({ allocationId: allocationOf(state), finishedAt: Option.some(this.now) })
          )
        }
      }
    }
    this.last = decision
    return decision
  }

  /** Passes until nothing is written and nothing is done. */
  settle(): void {
    for (let passes = 0; passes < 50; passes++) {
      const { status, actions } = this.pass()
      if (Option.isNone(status) && actions.length === 0) return
    }
    throw new Error(`does not come to rest: ${JSON.stringify(this.status)}`)
  }

  snapshot(collected: ReadonlyMap<string, Collected>): Snapshot {
    return {
      name: "app",
      record: this.record,
      status: Option.fromNullable(this.status),
      children: new Map(
        this.open().map(({ nomad_job_id: id }) => [id, this.children.get(id) ?? ChildState.Absent()] as const)
      ),
      collected,
      rejected: this.rejected,
      competition: this.competition,
      requests: this.requests,
      policy: this.policy,
      now: this.now
    }
  }

  open(): ReadonlyArray<Attempt> {
    return (this.status?.attempts ?? []).filter(({ outcome }) => outcome === undefined)
  }

  /** The only open child of a phase. */
  child(phase: Attempt["phase"]): string {
    const [first, ...others] = this.open().filter((attempt) => attempt.phase === phase)
    if (first === undefined || others.length > 0) throw new Error(`${phase}: ${others.length + 1} open children`)
    return first.nomad_job_id
  }

  run(id: string): void {
    this.children.set(id, ChildState.Running({ ...placed(id), startedAt: this.now }))
  }

  succeed(id: string, report: Collected = reported): void {
    this.collected.set(id, report)
    this.children.set(id, ChildState.Succeeded({ ...placed(id), startedAt: this.now - 1000, finishedAt: this.now }))
  }

  fail(id: string, exitCode: number, extra: { report?: Collected; oomKilled?: boolean } = {}): void {
    this.collected.set(id, extra.report ?? archived)
    this.children.set(
      id,
      ChildState.CommandFailed({
        ...placed(id),
        exitCode,
        oomKilled: extra.oomKilled ?? false,
        message: `Exit Code: ${exitCode}`,
        startedAt: this.now - 1000,
        finishedAt: this.now
      })
    )
  }

  /** Everything that is open ends well, phase after phase. */
  succeedAll(): void {
    for (let rounds = 0; rounds < 10 && this.open().length > 0; rounds++) {
      for (const { nomad_job_id: id } of this.open()) this.succeed(id)
      this.settle()
    }
  }
}

export const placed = (id: string) => ({
  allocationId: `alloc-${id}`,
  nodeId: "00000000-0000-4000-8000-0000000000d1",
  nodeName: "node-1"
})

const allocationOf = (state: ChildState): Option.Option<string> =>
  state._tag === "Starting" || state._tag === "Running" || state._tag === "Stopping"
    ? Option.some(state.allocationId)
    : Option.none()

const ended = new Set(["Succeeded", "CommandFailed", "NeverStarted", "Stopped", "Lost", "Absent"])
