import { Effect } from "effect"
import { commandErrorOf } from "./callService.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { exitOf } from "./watch/exitOf.ts"
import { watchJob } from "./watch/watchJob.ts"

/** What `submit-job --watch` shows, of a job that exists. */
export const watch = Effect.fn("watch")(function* (id: string, options: ConnectOptions) {
  const client = yield* connect(options)
  const state = yield* watchJob(client, {
    id,
    knownTags: [],
    serviceUrl: client.baseUrl,
    program: programOf(options)
  }).pipe(Effect.mapError(commandErrorOf("watch job")))
  yield* exitOf(state)
})

/** How the same service is called again. */
export const programOf = ({ url }: ConnectOptions): string => (url === undefined ? "jobforge" : `jobforge -u ${url}`)
