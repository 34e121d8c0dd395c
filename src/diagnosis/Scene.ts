import type { BuildJob } from "../domain/BuildJob.ts"
import type { JobPhase, Reason } from "../domain/Status.ts"
import type { FailedStep } from "./Diagnosis.ts"

/** What is known of a failure before its output is read. */
export interface Scene {
  readonly reason: Reason
  /** The controller's or the script's words. */
  readonly message: string
  readonly phase: JobPhase | undefined
  readonly step: FailedStep | undefined
  readonly exitCode: number | undefined
  readonly config: BuildJob | undefined
}

/** How a sentence names the step. */
export const placeOf = (scene: Pick<Scene, "config" | "phase" | "step">): string => {
  const { phase, step } = scene
  switch (step?.kind) {
    case "instruction":
      return `${scene.config?.dockerfile_path ?? "Dockerfile"} step${numberOf(step)} (${brief(step.text)})`
    case "command":
      return `test command ${step.index} (${brief(step.text)})`
    case undefined:
      return phase === undefined ? "the job" : `the ${phase}`
    default:
      return step === undefined ? "" : places[step.kind]
  }
}

const places = {
  "entry-point": "the test of the image's entry point",
  checkout: "the checkout of the repository",
  push: "the push of the image",
  publish: "the publishing of the image"
}

const numberOf = ({ number, of }: Extract<FailedStep, { kind: "instruction" }>): string =>
  number === undefined ? "" : ` ${number}${of === undefined ? "" : `/${of}`}`

const brief = (text: string): string => (text.length <= 90 ? text : `${text.slice(0, 89)}…`)
