import { Effect, Option } from "effect"
import type { Io } from "../../../src/commands/Io.ts"

/** What a command met, and what it wrote. */
export interface Recorded {
  readonly io: Io["Type"]
  readonly out: () => string
  readonly err: () => string
}

/** An `Io` without a terminal that keeps what is written. */
export const recordedIo = (given: Partial<Pick<Io["Type"], "stdin" | "environment" | "screen">> = {}): Recorded => {
  const written = { out: "", err: "" }
  return {
    io: {
      out: (text) => Effect.sync(() => void (written.out += text)),
      err: (text) => Effect.sync(() => void (written.err += text)),
      stdin: Effect.succeedNone,
      environment: {},
      screen: Option.none(),
      ...given
    },
    out: () => written.out,
    err: () => written.err
  }
}
