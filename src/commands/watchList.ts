import { Effect, Option, Schedule, Stream } from "effect"
import type { History } from "../api/Answers.ts"
import { callService } from "./callService.ts"
import type { CommandError } from "./CommandError.ts"
import { connect } from "./connect.ts"
import { formatTable } from "./formatTable.ts"
import { Io } from "./Io.ts"
import { historyQuery, type ListOptions } from "./listJobs.ts"
import { listView } from "./listView.ts"
import { ofHistory } from "./looks.ts"
import { liveScreen } from "./terminal/liveScreen.ts"
import { paint } from "./terminal/paint.ts"

/** On a terminal the list as it is, again and again; elsewhere a line for each job that is new or changed. Ctrl-C ends it. */
export const watchList = Effect.fn("list")(function* (options: ListOptions) {
  const client = yield* connect(options)
  const reading = callService("get history", (signal) => client.getHistory(historyQuery(options), { signal }))
  const readings = Stream.repeatEffectWithSchedule(reading, Schedule.spaced(interval))
  const screen = yield* liveScreen
  yield* Option.match(screen, {
    onSome: (terminal) =>
      paint(
        terminal,
        Stream.map(readings, (history) => () => listView(history))
      ),
    onNone: () => printChanges(readings)
  })
})

/** The service has a stream of each job's transitions, and none of all jobs'. */
const interval = "2 seconds"

const tableOf = (history: History): string => formatTable(ofHistory.header, ofHistory.rows(history))

const printChanges = Effect.fnUntraced(function* (readings: Stream.Stream<History, CommandError>) {
  const { out } = yield* Io
  yield* readings.pipe(
    Stream.mapAccum(new Map<string, string>(), (seen, { jobs, total }) => {
      const now = new Map(jobs.map((job) => [job.id, `${job.status} ${job.phase ?? ""}`]))
      const changed = jobs.filter(({ id }) => seen.get(id) !== now.get(id))
      return [now, { jobs: changed.toReversed(), total }]
    }),
    Stream.filter(({ jobs }) => jobs.length > 0),
    Stream.zipWithIndex,
    Stream.runForEach(([changes, index]) => {
      const table = tableOf(changes)
      return out(index === 0 ? table : table.slice(table.indexOf("\n") + 1))
    })
  )
})
