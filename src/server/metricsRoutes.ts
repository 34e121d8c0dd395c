import { HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { Exposition } from "../metrics/Exposition.ts"
import { contentTypes } from "../metrics/renderMetrics.ts"

/** `/metrics`, in the text format that is asked for. It has a port of its own and knows no callers. */
export const metricsRoutes = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/metrics",
    Effect.gen(function* () {
      const exposition = yield* Exposition
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      const format = /\bapplication\/openmetrics-text\b/.test(headers["accept"] ?? "") ? "openmetrics" : "prometheus"
      const text = yield* exposition.render(format)
      return HttpServerResponse.text(text, {
        contentType: contentTypes[format],
        headers: { "cache-control": "no-store", vary: "accept" }
      })
    })
  )
)
