import { localManual } from "./localManual.ts"
import type { Manual } from "./Manual.ts"
import { readManual } from "./readManual.ts"
import { serviceManual } from "./serviceManual.ts"
import { submitManual } from "./submitManual.ts"
import { wrapped } from "./wrapped.ts"

export const manuals: Readonly<Record<string, Manual>> = {
  ...submitManual,
  ...readManual,
  ...localManual,
  ...serviceManual
}

/** What stands below a command's synopsis and options: details, examples, exit codes, environment. Empty for others. */
export const helpFor = (command: string, width = usualWidth): string => {
  const manual = Object.hasOwn(manuals, command) ? manuals[command] : undefined
  if (manual === undefined) return ""
  const { details, environment, examples, exitCodes } = manual
  return [
    ...details.flatMap((paragraph) => ["", ...wrapped(paragraph, { first: "", indent: 0, width })]),
    ...section(
      "Examples",
      // A line to copy is never broken.
      examples.flatMap(([purpose, line]) => [`  # ${purpose}`, `  ${line}`])
    ),
    ...section(
      "Exit codes",
      table(
        exitCodes.map(([code, meaning]) => [String(code), meaning] as const),
        width
      )
    ),
    ...section("Environment", table(environment, width))
  ].join("\n")
}

const usualWidth = 80

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", `${title}:`, ...lines]

const table = (rows: ReadonlyArray<readonly [string, string]>, width: number): ReadonlyArray<string> => {
  const indent = Math.max(0, ...rows.map(([name]) => name.length)) + 4
  return rows.flatMap(([name, meaning]) => wrapped(meaning, { first: `  ${name}`.padEnd(indent), indent, width }))
}

const exits = [
  ["0", "done; of commands that see a job to its end: it succeeded"],
  ["1", "the job failed; or anything that no other code tells"],
  ["2", "the command line, or a configuration, is wrong: nothing was sent or nothing was accepted"],
  ["3", "the job was cancelled: its status is FAILED, with the reason Cancelled"],
  ["4", "the job wasn't over in the time that was given"],
  ["5", "the service, or Consul, can't be reached or can't answer now"],
  ["6", "there is no such job"],
  ["130", "interrupted with Ctrl-C"]
] as const

const variables = [
  [
    "JOB_SERVICE_URL",
    "the service, when --url doesn't name it; without either it is looked up in Consul's catalog as jobforge-service, and is http://localhost:8080 when it isn't there"
  ],
  ["JOB_SERVICE_TOKEN", "the token for a service that asks for one; JOB_SERVICE_TOKEN_FILE names a file with it"],
  [
    "CONSUL_HTTP_ADDR",
    "Consul, for that look-up and for sync; with CONSUL_HTTP_TOKEN and the like, as Consul's own tools have them"
  ],
  ["NO_COLOR", "any value: no colours and no live views"]
] as const

/** Below the program's own help. */
export const programHelp: string = [
  ...section("Examples", [
    "  # All of it on this machine, to play with",
    "  jobforge dev",
    "  # Build, test and publish, and follow it",
    "  jobforge submit-job build.yaml --watch",
    "  # Why did it fail?",
    '  jobforge diagnose "$(jobforge list --status failed -n 1 -o name)"',
    "  # Every command's own options, examples and exit codes",
    "  jobforge help submit-job"
  ]),
  ...section("Exit codes", table(exits, usualWidth)),
  ...section("Environment", table(variables, usualWidth))
].join("\n")
