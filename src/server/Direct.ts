import type { IncomingMessage } from "node:http"
import type { HttpServerResponse } from "@effect/platform"
import type { Effect } from "effect"

/** What is asked most, by its plainest requests: none for any other, which is the whole interface's to answer. */
export type Direct<R> = (
  request: IncomingMessage
) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> | undefined
