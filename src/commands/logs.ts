import { Effect, Stream } from "effect"
import type { JobPhase } from "../domain/Status.ts"
import type { LogFilters } from "../api/Requests.ts"
import { errorOf } from "../client/errorOf.ts"
import { callService, commandErrorOf } from "./callService.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { followFilter } from "./followFilter.ts"
import { Io } from "./Io.ts"
import { ofJobLog } from "./looks.ts"
import { type Output, print } from "./print.ts"
import { safeLine } from "./safeLine.ts"

export interface LogOptions extends ConnectOptions, LogFilters {}

export const getLogs = Effect.fn("get-logs")(function* (id: string, options: LogOptions & { readonly output: Output }) {
  const { output, tokenFile: _tokenFile, url: _url, ...filters } = options
  const client = yield* connect(options)
  const log = yield* callService("get logs", (signal) => client.getLogs(id, filters, { signal }))
  yield* print(output, log, ofJobLog)
})

export interface FollowOptions extends LogOptions {
  readonly follow?: boolean
  readonly phase?: JobPhase
}

/** The lines alone, each phase after the other; with `follow` as they come, until the job is over. */
export const logs = Effect.fn("logs")(function* (id: string, options: FollowOptions) {
  const { follow, tokenFile: _tokenFile, url: _url, ...filters } = options
  const wanted = follow === true ? yield* followFilter(filters) : () => true
  const client = yield* connect(options)
  const { out, screen } = yield* Io
  const shown = screen._tag === "Some" ? safeLine : (line: string) => line
  if (follow !== true) {
    const { logs: lines } = yield* callService("get logs", (signal) => client.getLogs(id, filters, { signal }))
    const all = [...lines.build, ...lines.test, ...lines.publish]
    return yield* out(all.map((line) => `${shown(line)}\n`).join(""))
  }
  yield* Stream.fromAsyncIterable(client.streamLogs(id), errorOf).pipe(
    Stream.filter(wanted),
    Stream.mapError(commandErrorOf("follow logs")),
    Stream.runForEach(({ message }) => out(`${shown(message)}\n`))
  )
})
