import { Effect, Layer, Option } from "effect"
import { Io, type Screen } from "../../src/commands/Io.ts"

export interface RecordingIo {
  readonly layer: Layer.Layer<Io>
  readonly out: () => string
  readonly err: () => string
}

/** Keeps what a command says, in place of a terminal or a pipe. */
export const recordingIo = (
  given: {
    readonly stdin?: string
    readonly environment?: Readonly<Record<string, string>>
    readonly screen?: Screen
  } = {}
): RecordingIo => {
  const out: Array<string> = []
  const err: Array<string> = []
  return {
    layer: Layer.succeed(Io, {
      out: (text) => Effect.sync(() => void out.push(text)),
      err: (text) => Effect.sync(() => void err.push(text)),
      stdin: Effect.succeed(Option.fromNullable(given.stdin)),
      environment: given.environment ?? {},
      screen: Option.fromNullable(given.screen)
    }),
    out: () => out.join(""),
    err: () => err.join("")
  }
}
