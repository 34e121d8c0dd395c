import type { IncomingMessage } from "node:http"
import type { HttpServerResponse } from "@effect/platform"
import type { Context, Effect } from "effect"

/** What is asked most, by its plainest requests: none for any other, which is the whole interface's to answer. */
export type Direct<R> = (request: IncomingMessage) => DirectApp<R> | Prompt<R> | undefined

export type DirectApp<R> = Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>

/**
 * Finds an answer without a fiber, which is what costs most of a small one. It calls back once: with the answer, which is
 * an effect too, or with what has to find it after all. What it answers with is called if the client leaves before.
 */
export type Prompt<R> = (services: Context.Context<R>, then: (answer: DirectApp<R>) => void) => (() => void) | void
