import { Effect } from "effect"
import type { HistoryQuery } from "../client/JobForge.ts"
import type { JobStatus } from "../domain/Status.ts"
import { callService } from "./callService.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { ofHistory } from "./looks.ts"
import { type Output, print } from "./print.ts"

export interface ListOptions extends ConnectOptions {
  readonly limit: number
  readonly offset: number
  readonly owner?: string
  readonly status?: ReadonlyArray<JobStatus>
  readonly output: Output
}

/** Newest first, under way and ended alike. */
export const listJobs = Effect.fn("list")(function* (options: ListOptions) {
  const client = yield* connect(options)
  const query = historyQuery(options)
  const history = yield* callService("get history", (signal) => client.getHistory(query, { signal }))
  yield* print(options.output, history, ofHistory)
})

export const historyQuery = ({ limit, offset, owner, status }: ListOptions): HistoryQuery => ({
  limit,
  offset,
  ...(owner === undefined ? {} : { owner }),
  ...(status === undefined ? {} : { status })
})
