import { Effect, Stream } from "effect"
import { errorOf } from "../client/errorOf.ts"
import { callService, commandErrorOf } from "./callService.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { Io } from "./Io.ts"
import { type Output, print } from "./print.ts"
import { eventLine } from "./watch/eventLine.ts"

export interface EventOptions extends ConnectOptions {
  readonly output: Output
  readonly follow?: boolean
}

/** What the controller noted about a job; with `follow` its transitions as they come, until it is over. */
export const events = Effect.fn("events")(function* (id: string, options: EventOptions) {
  const client = yield* connect(options)
  if (options.follow === true) {
    const { out } = yield* Io
    const line = (transition: Parameters<typeof eventLine>[0]) =>
      options.output === "json" ? JSON.stringify(transition) : eventLine(transition)
    return yield* Stream.fromAsyncIterable(client.watch(id), errorOf).pipe(
      Stream.mapError(commandErrorOf("follow events")),
      Stream.runForEach((transition) => out(`${line(transition)}\n`))
    )
  }
  const state = yield* callService("get events", (signal) => client.getStatus(id, { signal }))
  yield* print(options.output, state.events, {
    header: ["TIME", "REASON", "MESSAGE"],
    rows: (noted) => noted.map(({ at, message, reason }) => [at, reason, message]),
    names: (noted) => noted.map(({ reason }) => reason)
  })
})
