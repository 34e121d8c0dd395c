/** What the options of the command line look like: long names without dashes, and whether a value follows. */
export interface FlagTable {
  /** Long names that take no value. */
  readonly switches: ReadonlySet<string>
  /** Spellings, with their dashes, that take the next argument as their value. */
  readonly valued: ReadonlySet<string>
}

/**
 * Rewrites what Go's flag package takes and a POSIX parser doesn't: `-global f` for `--global f`, `-watch=false` and
 * `--watch=true` for a switch. Everything behind `--`, and every value, stays as it is.
 */
export const fromGoFlags = (argv: ReadonlyArray<string>, { switches, valued }: FlagTable): ReadonlyArray<string> => {
  const result: Array<string> = []
  for (let at = 0; at < argv.length; at += 1) {
    const given = argv[at] ?? ""
    if (given === "--") return [...result, ...argv.slice(at)]
    const argument = withTwoDashes(given, switches, valued)
    const [, name = "", value] = /^--([^=]+)=(.*)$/s.exec(argument) ?? []
    if (switches.has(name) && value !== undefined && truths.has(value)) {
      if (truths.get(value) === true) result.push(`--${name}`)
      continue
    }
    result.push(argument)
    const next = argv[at + 1]
    if (valued.has(argument) && next !== undefined) {
      result.push(next)
      at += 1
    }
  }
  return result
}

const withTwoDashes = (given: string, switches: ReadonlySet<string>, valued: ReadonlySet<string>): string => {
  const [, name = ""] = /^-([A-Za-z][^=]+)(?:=|$)/s.exec(given) ?? []
  return switches.has(name) || valued.has(`--${name}`) ? `-${given}` : given
}

/** As Go's strconv.ParseBool. */
const truths: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const)
])
