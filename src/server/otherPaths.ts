import { HttpRouter, HttpServerRequest } from "@effect/platform"
import { Chunk, Effect } from "effect"
import { textAnswer } from "./jsonAnswer.ts"

/** Whoever opens the address in a browser looks for something to begin with. */
export const frontPage = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/",
    Effect.succeed(
      textAnswer("Job Forge: the interface is described at /docs and /openapi.json; its state is at /health\n", 200)
    )
  )
)

/** What is no path of a job says what would be one. */
export const jobPathFaults = HttpRouter.concatAll(
  ...(["/json/job", "/mcp/job"] as const).map((prefix) =>
    HttpRouter.empty.pipe(HttpRouter.all(prefix, wrongPath(prefix)), HttpRouter.all(`${prefix}/*`, wrongPath(prefix)))
  )
)

/** Answers 405 where a path is served, though not by this method. */
export const withAllowedMethods = <E, R>(router: HttpRouter.HttpRouter<E, R>): HttpRouter.HttpRouter<E, R> => {
  const byPath = new Map<HttpRouter.PathInput, Set<string>>()
  for (const { method, path } of Chunk.toReadonlyArray(router.routes)) {
    byPath.set(path, (byPath.get(path) ?? new Set()).add(method))
  }
  const refusals = [...byPath].flatMap(([path, served]) => {
    if (served.has("*")) return []
    const allow = [...served, ...(served.has("GET") ? ["HEAD"] : [])].join(", ")
    const answer = Effect.succeed(textAnswer("Method not allowed\n", 405, { allow }))
    return methods.filter((method) => !served.has(method)).map((method) => HttpRouter.makeRoute(method, path, answer))
  })
  return HttpRouter.concat(router, HttpRouter.fromIterable(refusals))
}

export const notFound = textAnswer("404 page not found\n", 404)

/** HEAD is asked of what GET finds. */
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

function wrongPath(prefix: string) {
  return Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => {
    const [path = ""] = url.split("?")
    const segments = path
      .slice(prefix.length)
      .split("/")
      .filter((segment) => segment !== "")
    if (segments.length === 2) {
      return textAnswer("Invalid resource. Expected: status, logs, test-endpoint, or test-result\n", 400)
    }
    const hint = segments.length > 2 ? "A record's name is one segment: write its / as %2F\n" : ""
    return textAnswer(`Invalid path format. Expected: ${prefix}/{job_id}/{resource}\n${hint}`, 400)
  })
}
