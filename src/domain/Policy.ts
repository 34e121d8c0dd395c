import type { JobDefaults } from "./resolve.ts"
import type { VaultPolicyRoles } from "./vaultRoles.ts"

/** What an operator can set about decisions. Times are milliseconds. */
export interface Policy {
  /** Tells this installation's jobs from those of another one on the same Nomad. */
  readonly installation: string
  readonly defaults: JobDefaults
  readonly publishTimeout: number
  /** How long a child may wait in Nomad's queue, placement failures aside. Doesn't count as run time. */
  readonly queueTimeout: number
  /** How long Nomad may say that no node can take a child before the job fails with that reason. */
  readonly unplacedGrace: number
  /** How long a placed task may wait for its secrets. */
  readonly startGrace: number
  /** How long a child that was told to stop may take to end, before it counts as out of reach. */
  readonly stopGrace: number
  /** From a run's beginning to its end, waiting included. */
  readonly jobTimeout: number
  /** Runs that are admitted at the same time, of all and of one owner; 0: any number. */
  readonly maxRunning: number
  readonly maxRunningPerOwner: number
  /** Tries of one child, the first included, when the infrastructure failed. */
  readonly maxAttempts: number
  /** Pause before the second try; doubled for each further one. */
  readonly retryBackoff: number
  /** How long logs that can't be read hold a phase back. */
  readonly logsGrace: number
  /** Where temporary images go, `host[:port][/namespace]`; empty: the job's own registry. */
  readonly registryBase: string
  readonly temporaryPrefix: string
  /** Below which Vault paths must lie what a job names, `{owner}` in them for its owner; empty: it may name any. */
  readonly vaultPaths: ReadonlyArray<string>
  /** The Vault roles of the policies that tests name. */
  readonly vaultPolicyRoles: VaultPolicyRoles
}
