import { Context, Option, type Redacted } from "effect"

/**
 * The token of whoever a request is made for, in the place of the service's own: Consul then decides what may be read and
 * written. What is kept for several callers must not be read with it.
 */
export class ActingToken extends Context.Reference<ActingToken>()("jobforge/consul/ActingToken", {
  defaultValue: (): Option.Option<Redacted.Redacted> => Option.none()
}) {}
