import { Effect } from "effect"
import { dump } from "js-yaml"
import { Io } from "./Io.ts"
import { formatTable } from "./formatTable.ts"

export const outputs = ["json", "yaml", "table", "name"] as const
export type Output = (typeof outputs)[number]

/** How one kind of answer looks as a table, and by name. */
export interface Looks<A> {
  readonly header: ReadonlyArray<string>
  readonly rows: (answer: A) => ReadonlyArray<ReadonlyArray<string>>
  /** What another command takes, a line each. */
  readonly names: (answer: A) => ReadonlyArray<string>
}

/** An answer on stdout. JSON has two blanks a level, as scripts know it. */
export const print = <A>(output: Output, answer: A, looks: Looks<A>): Effect.Effect<void, never, Io> =>
  Effect.flatMap(Io, ({ out }) => out(textOf(output, answer, looks)))

const textOf = <A>(output: Output, answer: A, looks: Looks<A>): string => {
  switch (output) {
    case "json":
      return `${JSON.stringify(answer, null, 2)}\n`
    case "yaml":
      return dump(answer, { lineWidth: -1 })
    case "table":
      return formatTable(looks.header, looks.rows(answer))
    case "name":
      return looks
        .names(answer)
        .map((name) => `${name}\n`)
        .join("")
  }
}
