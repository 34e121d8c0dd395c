import { Effect, Schema } from "effect"
import { History } from "../../api/Answers.ts"
import { JobStatus } from "../../domain/Status.ts"
import { Jobs, type JobQuery } from "../Jobs.ts"
import { historyView } from "../statusView.ts"
import { choices, wholeNumber, words } from "./arguments.ts"
import { JobSummary, jobSummary } from "./JobSummary.ts"
import { type Tool, tool, untrusted } from "./Tool.ts"
import { toolFailed } from "./ToolFault.ts"
import { readOnly } from "./watchTools.ts"

const maximumPage = 100

const page = (fallback: number) => ({
  limit: wholeNumber(1, maximumPage, `How many to list at most; ${fallback} when left out.`),
  offset: wholeNumber(0, 1_000_000_000, "How many of the newest to pass over; 0 when left out."),
  owner: words(128, "Only jobs of this owner.")
})

const query = (
  asked: { readonly [Name in keyof JobQuery]?: JobQuery[Name] | undefined },
  fallback: number
): JobQuery => ({
  limit: asked.limit ?? fallback,
  offset: asked.offset ?? 0,
  ...(asked.owner === undefined ? {} : { owner: asked.owner }),
  ...(asked.status === undefined ? {} : { status: asked.status })
})

const defaultHistory = 10

export const getHistory: Tool<Jobs> = tool({
  name: "getHistory",
  title: "Read the history of jobs",
  description: `All jobs, newest first, under way and ended alike, with their configuration and timing; total counts them all. To find a job listJobs says less and is cheaper. ${untrusted}`,
  annotations: readOnly,
  input: Schema.Struct(page(defaultHistory)),
  output: History,
  run: Effect.fnUntraced(function* (asked) {
    const jobs = yield* Jobs
    const listed = yield* Effect.mapError(jobs.list(query(asked, defaultHistory)), toolFailed("Failed to get history"))
    return { jobs: listed.jobs.map(historyView), total: listed.total }
  })
})

const defaultList = 20

export const listJobs: Tool<Jobs> = tool({
  name: "listJobs",
  title: "List jobs",
  description: `Jobs in short, newest first: what runs, what ended and how. Narrow it by status and owner. ${untrusted}`,
  annotations: readOnly,
  input: Schema.Struct({
    ...page(defaultList),
    status: choices(JobStatus.literals, "Only jobs with one of these statuses.")
  }),
  output: Schema.Struct({
    jobs: Schema.Array(JobSummary),
    total: Schema.Int.annotations({ description: "All that the filters let through, not only this page." })
  }),
  run: Effect.fnUntraced(function* (asked) {
    const jobs = yield* Jobs
    const listed = yield* Effect.mapError(jobs.list(query(asked, defaultList)), toolFailed("Failed to list jobs"))
    return { jobs: listed.jobs.map(jobSummary), total: listed.total }
  })
})
