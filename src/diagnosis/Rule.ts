import type { Cause } from "./Cause.ts"
import type { Scene } from "./Scene.ts"

/**
 * What a line of output tells. Patterns see one line of bounded length at a time; their gaps are bounded too, so that no line
 * can make them slow.
 */
export interface Rule {
  readonly cause: Cause
  /** How sure it is that such a line is the root and no consequence; `rank` has the steps. */
  readonly rank: number
  readonly pattern: RegExp
  /** What to do, with `{name}` for what the pattern's groups of these names found; the cause's own advice when left out. */
  readonly next?: Next
  /** Where it differs from what the cause says. */
  readonly retryable?: boolean
}

export type Next = string | ((found: (group: string) => string, scene: Scene) => string)

/**
 * What is told from lines of several ranks is what the highest says, so a rank is above those of its consequences: a name
 * that can't be resolved leads to a package that isn't found, and that to a command that isn't there.
 */
export const rank = {
  /** The machine gave out, or the builder refuses the instruction in so many words. */
  conclusive: 90,
  /** The words of a test that compared, or of a program that names the setting it misses. */
  explicit: 80,
  network: 75,
  /** A signal's or a runtime's last words. */
  crash: 70,
  /** Compilers, package managers and loaders, naming what they miss. */
  specific: 65,
  /** A shell or the kernel: often what a tool says about something smaller. */
  system: 55,
  file: 45,
  /** A package manager's or a test runner's summary. */
  summary: 35,
  /** An exception that nobody caught. */
  uncaught: 30,
  /** It has the word «error» in it. */
  vague: 10
} as const

export const rule = (
  cause: Cause,
  level: number,
  pattern: RegExp,
  next?: Next,
  more: Pick<Rule, "retryable"> = {}
): Rule => ({ cause, rank: level, pattern, ...(next === undefined ? {} : { next }), ...more })
