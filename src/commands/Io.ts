import { Context, type Effect, type Option } from "effect"

/** A terminal that shows what is written. */
export interface Screen {
  /** In columns and rows, as they are now: both change with the window. */
  readonly size: Effect.Effect<{ readonly columns: number; readonly rows: number }>
  /** Succeeds when the size has changed since it was asked for. */
  readonly resized: Effect.Effect<void>
  readonly colour: boolean
}

/** How a command meets whoever called it. */
export class Io extends Context.Tag("jobforge/commands/Io")<
  Io,
  {
    /** What programs read, on stdout: the answer, and nothing else. */
    readonly out: (text: string) => Effect.Effect<void>
    /** What people read, on stderr. */
    readonly err: (text: string) => Effect.Effect<void>
    /** None when stdin is a terminal, where nobody would type a record. */
    readonly stdin: Effect.Effect<Option.Option<string>>
    readonly environment: Readonly<Record<string, string | undefined>>
    /** None when stdout is a file or a pipe, or a terminal that can't move its cursor. */
    readonly screen: Option.Option<Screen>
  }
>() {}
