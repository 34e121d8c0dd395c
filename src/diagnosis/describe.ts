import type { Diagnosis, FailedStep } from "./Diagnosis.ts"

/** A diagnosis as people read it in a terminal. */
export const describeDiagnosis = (diagnosis: Diagnosis): string =>
  [
    ...heading(diagnosis),
    ...fieldLines(diagnosis),
    ...errorLines(diagnosis.error),
    ...section(
      "The last lines:",
      diagnosis.tail.map((line) => `  ${line}`)
    ),
    ...(diagnosis.truncated ? ["", "(Parts of the output were left out.)"] : [])
  ].join("\n")

const heading = ({ next_action, status, summary }: Diagnosis): ReadonlyArray<string> => [
  `${status}: ${summary}`,
  "",
  `Now: ${next_action}`
]

const fieldLines = ({
  attempt,
  cause,
  exit_code,
  phase,
  reason,
  retryable,
  step
}: Diagnosis): ReadonlyArray<string> => {
  if (cause === undefined) return []
  const fields: ReadonlyArray<readonly [string, string | number | undefined]> = [
    ["Cause", reason === undefined ? cause : `${cause} (${reason})`],
    ["Phase", phase === undefined || attempt === undefined ? phase : `${phase}, attempt ${attempt}`],
    ["Step", step === undefined ? undefined : stepText(step)],
    ["Exit code", exit_code],
    ["Retry", retryable ? "may help" : "will not help"]
  ]
  return ["", ...fields.flatMap(([name, value]) => (value === undefined ? [] : [`${`${name}:`.padEnd(11)}${value}`]))]
}

const stepText = (step: FailedStep): string => {
  switch (step.kind) {
    case "instruction":
      return `${step.number === undefined ? "" : `${step.number}${step.of === undefined ? "" : `/${step.of}`} `}${step.text}`
    case "command":
      return `test command ${step.index}: ${step.text}`
    case "entry-point":
      return "the image's entry point"
    default:
      return step.kind
  }
}

const errorLines = (error: Diagnosis["error"]): ReadonlyArray<string> =>
  error === undefined
    ? []
    : section(`Line ${error.number} of ${error.stream}:`, [
        ...error.before.map((line) => `  ${line}`),
        `> ${error.line}`,
        ...error.after.map((line) => `  ${line}`)
      ])

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", title, ...lines]
