import { Effect } from "effect"
import { callService } from "./callService.ts"
import { CommandError, exitCodes } from "./CommandError.ts"
import { connect, type ConnectOptions } from "./connect.ts"
import { Io } from "./Io.ts"
import { type Output, print } from "./print.ts"

export interface HealthOptions extends ConnectOptions {
  readonly output?: Output
}

export const health = Effect.fn("health")(function* (options: HealthOptions) {
  const client = yield* connect(options)
  const answer = yield* callService("get health", (signal) => client.health({ signal }))
  const services = Object.entries(answer.services).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (options.output === undefined) {
    const { out } = yield* Io
    yield* out(
      [
        `Service URL: ${client.baseUrl}`,
        "",
        `${symbolOf(answer.status)} Overall Status: ${answer.status}`,
        `Timestamp: ${answer.timestamp}`,
        "",
        "Services:",
        ...services.map(([name, state]) => `  ${symbolOf(state)} ${name}: ${state}`),
        ""
      ].join("\n")
    )
  } else {
    yield* print(options.output, answer, {
      header: ["SERVICE", "STATE"],
      rows: () => services,
      names: () => [answer.status]
    })
  }
  if (answer.status !== "healthy") {
    return yield* new CommandError({ message: "the service is unhealthy", exitCode: exitCodes.failed })
  }
})

const symbolOf = (state: string): string => (state === "healthy" ? "✅" : "❌")
