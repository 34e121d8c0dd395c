import { HttpRouter } from "@effect/platform"
import { Effect, Either } from "effect"
import type { JobLog } from "../api/Answers.ts"
import { getLogs, readLogs } from "../api/JobEndpoints.ts"
import type { Failed } from "./failureAnswer.ts"
import { implement } from "./implement.ts"
import { JobLogs } from "./JobLogs.ts"
import { Jobs } from "./Jobs.ts"
import { decodeLogQuery, phases } from "./LogQuery.ts"
import { badRequest } from "./Refused.ts"
import { jobIdOf } from "./statusView.ts"

const lines = Effect.fnUntraced(function* (
  id: string,
  filters: Readonly<Record<string, unknown>>
): Effect.fn.Return<JobLog, Failed, Jobs | JobLogs> {
  // A phase that there is not has always been no filter.
  const { phase, ...others } = filters
  const query = decodeLogQuery({ ...others, ...(phases.some((known) => known === phase) ? { phase } : {}) })
  if (Either.isLeft(query)) return yield* badRequest(query.left.message)
  const found = yield* (yield* Jobs).find(id)
  const logs = yield* (yield* JobLogs).read(found, query.right)
  return { job_id: jobIdOf(found.status), logs }
})

const what = "Failed to get job logs"

/** A job's logs as lines, all at once. */
export const logLineRoutes = HttpRouter.concatAll(
  implement(getLogs, what, (asked) =>
    Effect.flatMap(asked.payload, ({ job_id: id, ...filters }) => lines(id, filters))
  ),
  implement(readLogs, what, (asked) =>
    Effect.gen(function* () {
      const { id } = yield* asked.path
      return yield* lines(id, yield* asked.urlParams)
    })
  )
)
