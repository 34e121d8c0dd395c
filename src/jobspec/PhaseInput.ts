import type { ResolvedJob } from "../domain/resolve.ts"
import type { SpecSettings } from "./SpecSettings.ts"

/** What one attempt of a phase is made from. */
export interface PhaseInput {
  /** Tells this installation's jobs from those of another on the same cluster. */
  readonly installation: string
  /** Name of the record that the job comes from. */
  readonly record: string
  readonly generation: number
  readonly jobId: string
  readonly attempt: number
  readonly nomadId: string
  readonly job: ResolvedJob
  readonly settings: SpecSettings
}
