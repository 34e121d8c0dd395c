import { type HttpApp, HttpRouter, type HttpServerRequest } from "@effect/platform"
import { Cause, Effect, type Scope } from "effect"
import type { Authentication } from "./Authentication.ts"
import { answerDirectly } from "./answerDirectly.ts"
import { authenticate } from "./authenticate.ts"
import { withCors } from "./cors.ts"
import { diagnosisRoutes } from "./diagnosisRoutes.ts"
import { docsRoutes } from "./docsRoutes.ts"
import { eventRoutes } from "./eventRoutes.ts"
import { defectAnswer } from "./failureAnswer.ts"
import { guardLoopback } from "./guardLoopback.ts"
import { frontPage, jobPathFaults, notFound, withAllowedMethods } from "./otherPaths.ts"
import { probes } from "./probes.ts"
import { limitRequests } from "./limitRequests.ts"
import type { Limits } from "./Limits.ts"
import { measureAnswers } from "./measureAnswers.ts"
import { logRoutes } from "./logRoutes.ts"
import { logLineRoutes } from "./logLineRoutes.ts"
import { rpcRoutes } from "./rpcRoutes.ts"
import { statusDirectly, statusRoutes } from "./statusRoutes.ts"
import { submitDirectly, submitRoutes } from "./submitRoutes.ts"
import { verbRoutes } from "./verbRoutes.ts"

export interface HttpAppOptions {
  /** What the service listens on. */
  readonly host: string
  /** Origins whose pages may read the answers; `*`: any. */
  readonly corsOrigins: ReadonlyArray<string>
}

const routes = withAllowedMethods(
  HttpRouter.concatAll(
    probes,
    submitRoutes,
    statusRoutes,
    verbRoutes,
    eventRoutes,
    diagnosisRoutes,
    logLineRoutes,
    logRoutes,
    rpcRoutes,
    docsRoutes,
    frontPage,
    jobPathFaults
  )
)

/** The whole interface, as one replica serves it. */
export const httpApp = ({ corsOrigins, host }: HttpAppOptions): HttpApp.Default<never, Needs> =>
  routes.pipe(
    // A record's name may be as long as a key of Consul's.
    HttpRouter.withRouterConfig({ maxParamLength: 1024 }),
    Effect.catchTag("RouteNotFound", () => Effect.succeed(notFound)),
    Effect.catchAllCause((cause) =>
      // Whoever asked has left.
      Cause.isInterruptedOnly(cause)
        ? Effect.failCause(cause)
        : Effect.zipRight(Effect.logError("bug in the HTTP interface", cause), defectAnswer("Internal server error"))
    ),
    limitRequests,
    authenticate,
    withCors(corsOrigins),
    guardLoopback({ host, origins: corsOrigins }),
    measureAnswers
  )

/** What of it is asked so often that it goes a shorter way. */
export const httpShortcut = ({ corsOrigins, host }: HttpAppOptions) =>
  answerDirectly({ host, origins: corsOrigins }, [statusDirectly, submitDirectly])

/** What the routes are about. */
export type Needs =
  | Authentication
  | Limits
  | Scope.Scope
  | Exclude<Effect.Effect.Context<typeof routes>, HttpServerRequest.HttpServerRequest>
