import type { Either } from "effect"

/** One setting that an operator can turn: how it is spelled in the environment and in KV, and what it accepts. */
export interface Knob<A> {
  readonly env: string
  /** Below `config/`; undefined: only the environment can set it, since it is needed before KV can be read or must not change. */
  readonly key: string | undefined
  /** As it would be written. */
  readonly fallback: string
  readonly parse: (text: string) => Either.Either<A, string>
  readonly description: string
}

export const knob = <A>(
  env: string,
  key: string | undefined,
  fallback: string,
  parse: Knob<A>["parse"],
  description: string
): Knob<A> => ({ env, key, fallback, parse, description })
