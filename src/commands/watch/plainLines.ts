import type { JobState } from "../../api/JobState.ts"
import type { Transition } from "../../api/Transition.ts"
import { plainLogLine, plainText } from "../terminal/plainText.ts"
import { stateSymbol } from "./stateSymbol.ts"

/** What the plain view begins with. A record that could not be read names no repository. */
export const headerLines = (
  state: Pick<JobState, "config">,
  { id, serviceUrl }: { readonly id: string; readonly serviceUrl: string }
): ReadonlyArray<string> => [
  `Watching job: ${plainText(id)}`,
  `Service URL: ${serviceUrl}`,
  ...(state.config === undefined
    ? []
    : [
        `Repository: ${plainText(state.config.repo_url)}`,
        `Building: ${plainText(`${state.config.registry_url}/${state.config.image_name}`)}`
      ]),
  ""
]

/** One change, with its time in UTC. */
export const transitionLine = ({ error, failed_phase, phase, status, timestamp }: Transition): string => {
  const where = phase ?? (status === "FAILED" ? failed_phase : undefined)
  return [
    `[${timestamp.slice(11, 19)}] ${stateSymbol(status)} Status: ${status}`,
    ...(where === undefined ? [] : [`Phase: ${where}`]),
    ...(error === undefined ? [] : [`Error: ${plainText(error)}`])
  ].join(" | ")
}

/** What both views end with. `log`: lines of the phase that failed. */
export const endingLines = (
  state: JobState,
  knownTags: ReadonlyArray<string>,
  log: ReadonlyArray<string>
): ReadonlyArray<string> => (state.status === "SUCCEEDED" ? successLines(state, knownTags) : failureLines(state, log))

const successLines = ({ config, job_id }: JobState, knownTags: ReadonlyArray<string>): ReadonlyArray<string> => {
  const tags = knownTags.length === 0 ? [job_id] : knownTags
  const image = config === undefined ? "" : `${config.registry_url}/${config.image_name}`
  return ["", "✅ Job completed successfully", ...tags.map((tag) => plainText(`Published: ${image}:${tag}`))]
}

const failureLines = (state: JobState, log: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { error, failed_phase: phase, reason = "unknown" } = state
  return [
    "",
    `❌ Job failed: ${plainText(error ?? reason)}`,
    ...(phase === undefined ? [] : [`Failed phase: ${phase}`]),
    ...(phase === undefined || log.length === 0 ? [] : [`${titles[phase]} logs:`, ...log.map(plainLogLine)])
  ]
}

const titles = { build: "Build", test: "Test", publish: "Publish" } as const
