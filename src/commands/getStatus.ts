import { Effect } from "effect"
import type { StepAllocations } from "../api/Allocations.ts"
import type { JobState } from "../api/JobState.ts"
import { callService } from "./callService.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { Io } from "./Io.ts"
import { ofJobState } from "./looks.ts"
import { type Output, print } from "./print.ts"

export interface GetStatusOptions extends ConnectOptions {
  readonly output: Output
}

export const getStatus = Effect.fn("get-status")(function* (id: string, options: GetStatusOptions) {
  const client = yield* connect(options)
  const state = yield* callService("get status", (signal) => client.getStatus(id, { signal }))
  yield* warnOfDoubles(state)
  yield* print(options.output, state, ofJobState)
})

/** A step that Nomad placed more than once is worth a look, beside the answer and not in it. */
const warnOfDoubles = ({ allocations }: JobState): Effect.Effect<void, never, Io> => {
  const doubled = [allocations.build, ...allocations.test, allocations.publish].filter(
    (step): step is StepAllocations => step?.has_warning === true
  )
  const lines = [
    "",
    rule,
    "WARNING: Multiple allocations detected",
    rule,
    ...doubled.flatMap((step) => ["", ...linesOf(step)]),
    rule
  ]
  return doubled.length === 0 ? Effect.void : Effect.flatMap(Io, ({ err }) => err(`${lines.join("\n")}\n`))
}

const rule = "=".repeat(60)

const linesOf = (step: StepAllocations): ReadonlyArray<string> => [
  `[${step.phase.toUpperCase()} Phase] ${step.warning_message ?? `${step.allocation_count} allocations`}`,
  `  Nomad Job: ${step.nomad_job_id}`,
  "  Allocations:",
  ...step.allocations.flatMap((allocation, index) => [
    `    ${index + 1}. ID: ${allocation.id}`,
    `       Status: ${allocation.client_status} (desired: ${allocation.desired_status})`,
    `       Node: ${allocation.node_name}`,
    `       Created: ${allocation.created_at}`,
    ...(allocation.failed_reason === undefined ? [] : [`       Failed: ${allocation.failed_reason}`])
  ])
]
