import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type HttpApp, HttpServer } from "@effect/platform"
import type { ServeError } from "@effect/platform/HttpServerError"
import { Data, Effect, Layer, type Scope } from "effect"
import type { HttpServerRequest } from "@effect/platform/HttpServerRequest"

/** A port can't be listened on. */
export class CannotListen extends Data.TaggedError("CannotListen")<{
  readonly host: string
  readonly port: number
  readonly detail: string
  /** The setting that names the port. */
  readonly setting: string
}> {
  override get message(): string {
    return `the service cannot listen on ${this.host}:${this.port}: ${this.detail}; choose another port (${this.setting})`
  }
}

export interface Address {
  readonly host: string
  readonly port: number
  readonly setting: string
}

/** Serves until the scope closes. */
export const listen = <E, R>(
  app: HttpApp.Default<E, R>,
  address: Address
): Effect.Effect<void, CannotListen, Exclude<R, HttpServerRequest | Scope.Scope> | Scope.Scope> =>
  Layer.build(HttpServer.serve(app).pipe(Layer.provide(NodeHttpServer.layer(() => createServer(), address)))).pipe(
    Effect.mapError(cannotListen(address)),
    Effect.asVoid
  )

/** Why an address can't be had, and which setting names another. */
export const cannotListen =
  ({ host, port, setting }: Address) =>
  (error: ServeError): CannotListen =>
    new CannotListen({ host, port, setting, detail: reasonOf(error.cause) })

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
    ? "the port is taken"
    : cause instanceof Error
      ? cause.message
      : String(cause)
