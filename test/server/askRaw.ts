import { type IncomingHttpHeaders, request } from "node:http"
import { Effect } from "effect"
import type { HttpDesk } from "./httpDesk.ts"

/** With headers that `fetch` doesn't let anybody set. */
export const askRaw = (desk: HttpDesk, path: string, headers: Readonly<Record<string, string>>, method = "GET") =>
  Effect.async<{ readonly status: number; readonly headers: IncomingHttpHeaders }>((resume) => {
    const { hostname, port } = new URL(desk.url)
    request({ host: hostname, port, path, headers, method }, (response) => {
      response.resume()
      resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers }))
    }).end()
  })

/** The question that browsers ask before. */
export const preflight = (desk: HttpDesk, path: string, headers: Readonly<Record<string, string>> = {}) =>
  askRaw(desk, path, headers, "OPTIONS")
