import type { FileSystem } from "@effect/platform"
import { type ConfigError, ConfigProvider, Effect } from "effect"
import type { Consul } from "../consul/Consul.ts"
import * as ConsulHttp from "../consul/ConsulHttp.ts"
import { Io } from "./Io.ts"

/** With the Consul that the caller's environment names, by the variables of Consul's own tools. */
export const withConsul = <A, E, R>(
  effect: Effect.Effect<A, E, Consul | R>
): Effect.Effect<A, E | ConfigError.ConfigError, Exclude<R, Consul> | FileSystem.FileSystem | Io> =>
  Effect.flatMap(Io, ({ environment }) => {
    const given = Object.entries(environment).flatMap(([name, value]): ReadonlyArray<readonly [string, string]> =>
      value === undefined ? [] : [[name, value]]
    )
    return effect.pipe(
      Effect.provide(ConsulHttp.layer),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(given)))
    )
  })
