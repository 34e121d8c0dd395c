import { request as ask } from "node:http"
import type { ServerResponse } from "node:http"
import { Effect, type Scope } from "effect"
import { type Seen, scriptedServer } from "../support/ScriptedServer.ts"

export type Fate = "pass" | "no leader" | "hang" | "denied"

/** Between a client and its Consul: passes everything on, or what the present rule says of it. */
export interface ConsulProxy {
  readonly origin: string
  readonly seen: ReadonlyArray<Seen>
  readonly rule: (rule: (request: Seen) => Fate) => Effect.Effect<void>
}

export const consulProxy = (consul: string): Effect.Effect<ConsulProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    let rule = (_request: Seen): Fate => "pass"
    const { origin, seen } = yield* scriptedServer((request, response) => {
      switch (rule(request)) {
        case "pass":
          return pass(consul, request, response)
        case "no leader":
          return void response.writeHead(500).end("No cluster leader")
        case "denied":
          return void response.writeHead(403).end("Permission denied")
        case "hang":
          return
      }
    })
    return {
      origin,
      seen,
      rule: (next) =>
        Effect.sync(() => {
          rule = next
        })
    }
  })

const pass = (consul: string, { body, headers, method, url }: Seen, response: ServerResponse): void => {
  const onward = ask(`${consul}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(response)
  })
  onward.on("error", () => response.destroy())
  response.on("close", () => onward.destroy())
  onward.end(body)
}
