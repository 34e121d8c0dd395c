import { HttpServerRequest } from "@effect/platform"
import { Chunk, Duration, Effect, Option, Schedule, Stream } from "effect"
import { events } from "../api/JobEndpoints.ts"
import type { StreamEnd } from "../api/Transition.ts"
import { isTerminal } from "../domain/Status.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import { implementRaw } from "./implement.ts"
import { Jobs } from "./Jobs.ts"
import { runOf } from "./LogCursor.ts"
import { serverSentEvent, serverSentEvents } from "./serverSentEvents.ts"
import { jobIdOf } from "./statusView.ts"
import { Stopping } from "./Stopping.ts"
import { takePlace } from "./takePlace.ts"
import { type RankedTransition, transitionsOf } from "./transitionsOf.ts"

/** A job's transitions as they happen, from its beginning or from the event that a client has seen last. */
export const eventRoutes = implementRaw(events, "Failed to get job", (asked) =>
  Effect.gen(function* () {
    const jobs = yield* Jobs
    const { id } = yield* asked.path
    const found = yield* jobs.find(id)
    yield* takePlace
    const request = yield* HttpServerRequest.HttpServerRequest
    const seen = rankSeen(found, request.headers["last-event-id"])
    // The answer is written outside of what the request was given: who asks, and by which token.
    const context = yield* Effect.context<never>()
    return serverSentEvents(Stream.provideSomeContext(follow(jobs, found, seen), context))
  })
)

interface Position {
  readonly found: FoundJob
  /** Of the last transition that was told. */
  readonly rank: number
}

type Next =
  | { readonly kind: "newer"; readonly found: FoundJob }
  | { readonly kind: "end"; readonly reason: StreamEnd["reason"] }

const follow = (jobs: Jobs["Type"], first: FoundJob, rank: number): Stream.Stream<string> => {
  const jobId = jobIdOf(first.status)
  const end = (reason: StreamEnd["reason"]): string => serverSentEvent("end", { job_id: jobId, reason })

  /** What comes after this; a job that is over has no more to tell. */
  const next = Effect.fnUntraced(function* ({ found }: Position): Effect.fn.Return<Next> {
    const stopping = yield* Stopping
    const newer = jobs.wait(jobId, found.index, longestWait).pipe(
      // A record that the leader has not looked at yet has nothing to wait on.
      Effect.tap((job) => (job.index > found.index || job.archived ? Effect.void : Effect.sleep(pause))),
      Effect.retry({ schedule: patience, while: ({ _tag }) => _tag === "Unavailable" }),
      Effect.map((job): Next => ({ kind: "newer", found: job })),
      Effect.catchTag("JobNotFound", () => whyGone(jobs, first)),
      Effect.catchAll((error) =>
        Effect.as(Effect.logWarning("event stream ended", error), {
          kind: "end" as const,
          reason: "unavailable" as const
        })
      )
    )
    return yield* Effect.raceFirst(
      newer,
      Effect.as(stopping.signal, { kind: "end" as const, reason: "shutdown" as const })
    )
  })

  const told = ({ found, rank: after }: Position): ReadonlyArray<RankedTransition> =>
    transitionsOf(found.status, found.index).filter(({ rank: own }) => own > after)

  const page = (position: Position): Effect.Effect<readonly [Chunk.Chunk<string>, Option.Option<Position>]> => {
    const news = told(position)
    const lines = news.map((one) => serverSentEvent("transition", one.transition, idOf(position.found, one)))
    if (isTerminal(position.found.status.status)) {
      return Effect.succeed([Chunk.fromIterable([...lines, end("finished")]), Option.none()])
    }
    const reached = { ...position, rank: news.at(-1)?.rank ?? position.rank }
    return Effect.succeed([Chunk.fromIterable(lines), Option.some(reached)])
  }

  return Stream.paginateChunkEffect({ at: { found: first, rank }, wait: false }, ({ at, wait }) =>
    Effect.gen(function* () {
      const step: Next = wait ? yield* next(at) : { kind: "newer", found: at.found }
      if (step.kind === "end") return [Chunk.of(end(step.reason)), Option.none()] as const
      const [lines, then] = yield* page({ ...at, found: step.found })
      return [lines, Option.map(then, (position) => ({ at: position, wait: true }))] as const
    })
  )
}

/** Its record has a newer run, or is gone. */
const whyGone = (jobs: Jobs["Type"], { status }: FoundJob): Effect.Effect<Next> =>
  jobs.find(status.name).pipe(
    Effect.as({ kind: "end" as const, reason: "superseded" as const }),
    Effect.orElseSucceed(() => ({ kind: "end" as const, reason: "gone" as const }))
  )

const longestWait = Duration.minutes(10)
const pause = Duration.millis(200)

/** Consul may be away for as long as an election takes; whoever follows need not notice. */
const patience = Schedule.jittered(Schedule.spaced(Duration.seconds(2))).pipe(Schedule.upTo(Duration.seconds(30)))

const idOf = ({ index, status }: FoundJob, { rank }: RankedTransition): string =>
  `${index}.${rank}.${runOf(status.job_id)}`

/**
 * The rank in a client's last id, if that is of this run: of another one of the record it says nothing. An index alone, as a
 * status answer has it, stands for all that was to be told then: if there is a newer one, everything is told, since what it
 * knows can't be known here.
 */
const rankSeen = (found: FoundJob, lastId: string | undefined): number => {
  const [, index, rank, run] = /^([0-9]{1,15})(?:\.([0-4])\.([0-9a-f]{8}|0))?$/.exec(lastId ?? "") ?? []
  // What had no id yet when it was told has one by now.
  if (rank !== undefined) return run === runOf(undefined) || run === runOf(found.status.job_id) ? Number(rank) : none
  if (index === undefined || found.index > Number(index) || found.archived) return none
  return transitionsOf(found.status, found.index).at(-1)?.rank ?? none
}

const none = -1
