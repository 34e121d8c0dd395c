import { Effect } from "effect"
import type { Diagnosis, FailedStep } from "../diagnosis/Diagnosis.ts"
import { callService } from "./callService.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { Io } from "./Io.ts"
import { type Output, print } from "./print.ts"
import { safeLine } from "./safeLine.ts"

export interface DiagnoseOptions extends ConnectOptions {
  /** Words for people when left out. */
  readonly output?: Output
}

export const diagnose = Effect.fn("diagnose")(function* (id: string, options: DiagnoseOptions) {
  const client = yield* connect(options)
  const diagnosis = yield* callService("diagnose job", (signal) => client.diagnosis(id, { signal }))
  if (options.output === undefined) {
    const { out } = yield* Io
    return yield* out(diagnosisText(diagnosis))
  }
  yield* print(options.output, diagnosis, {
    header: ["JOB", "STATUS", "CAUSE", "PHASE", "RETRYABLE", "NEXT ACTION"],
    rows: ({ cause, job_id, next_action, phase, retryable, status }) => [
      [job_id, status, cause ?? "", phase ?? "", String(retryable), next_action]
    ],
    names: ({ cause }) => [cause ?? ""]
  })
})

/** What happened, the line that tells of it with its neighbours, and what to do now. */
export const diagnosisText = (diagnosis: Diagnosis): string => {
  const { cause, error, exit_code: exitCode, next_action: next, phase, step, summary, tail } = diagnosis
  const facts = [
    cause === undefined ? undefined : `Cause: ${cause}`,
    phase === undefined ? undefined : `Phase: ${phase}, attempt ${diagnosis.attempt ?? 1}`,
    step === undefined ? undefined : `Step: ${stepText(step)}`,
    exitCode === undefined ? undefined : `Exit code: ${exitCode}`
  ].filter((line) => line !== undefined)
  const place =
    error === undefined
      ? ["Last lines:", ...tail.map((line) => `    ${line}`)]
      : [
          `Line ${error.number} of ${error.stream}:`,
          ...error.before.map((line) => `    ${line}`),
          `  > ${error.line}`,
          ...error.after.map((line) => `    ${line}`)
        ]
  const shown = error === undefined && tail.length === 0 ? [] : ["", ...place]
  return `${[summary, ...facts, ...shown, "", `Next: ${next}`].map(safeLine).join("\n")}\n`
}

const stepText = (step: FailedStep): string => {
  switch (step.kind) {
    case "instruction":
      return step.number === undefined ? step.text : `${step.number}/${step.of ?? "?"} ${step.text}`
    case "command":
      return `test command ${step.index}: ${step.text}`
    default:
      return step.kind
  }
}
