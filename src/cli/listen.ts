import type { HttpApp } from "@effect/platform"
import { Data, Effect } from "effect"
import type { Shortcut } from "../server/answerDirectly.ts"
import { serveHttp } from "../server/httpServer.ts"

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

/** Serves until the scope closes, as `serveHttp` does: with the same limits on every port. */
export const listen = <E, R, D = never>(
  app: HttpApp.Default<E, R>,
  { host, port, setting }: Address,
  shortcut?: Effect.Effect<Shortcut, never, D>
): Effect.Effect<void, CannotListen, Effect.Effect.Context<ReturnType<typeof serveHttp<E, R, D>>>> =>
  serveHttp(app, { host, port }, shortcut).pipe(
    Effect.mapError(({ cause }) => new CannotListen({ host, port, setting, detail: reasonOf(cause) })),
    Effect.asVoid
  )

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
    ? "the port is taken"
    : cause instanceof Error
      ? cause.message
      : String(cause)
