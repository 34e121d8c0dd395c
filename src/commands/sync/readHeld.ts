import { Effect, Option } from "effect"
import { Consul, type KvEntry } from "../../consul/Consul.ts"
import type { ApiError } from "../../http/ApiError.ts"
import { recordName } from "../../store/keys.ts"
import type { Held, PlanOptions } from "./planChange.ts"

/** What Consul holds below the prefix, by record name. What a token may not read is missing without a word. */
export const readAllHeld = Effect.fn("readAllHeld")(function* (
  options: Pick<PlanOptions, "keys" | "prefix">
): Effect.fn.Return<ReadonlyMap<string, Held>, ApiError, Consul> {
  const consul = yield* Consul
  const { jobs, managed } = options.keys
  const [records, marks] = yield* Effect.all(
    [
      consul.list(`${jobs}${options.prefix}`, { consistent: true }),
      consul.list(`${managed}${options.prefix}`, { consistent: true })
    ],
    { concurrency: 2 }
  )
  const held = new Map<string, Held>()
  const change = (name: string, f: (held: Held) => Held) => held.set(name, f(held.get(name) ?? none(name)))
  for (const entry of records.value) {
    const name = Option.getOrUndefined(recordName(jobs, entry.key))
    if (name === undefined) continue
    if (entry.key === `${jobs}${name}`) change(name, (seen) => ({ ...seen, record: Option.some(entry) }))
    else change(name, (seen) => ({ ...seen, aliases: [...seen.aliases, entry.key] }))
  }
  for (const entry of marks.value) {
    change(entry.key.slice(managed.length), (seen) => ({ ...seen, mark: Option.some(entry) }))
  }
  return held
})

/** One name once more. A mark that changed between the two answers makes the write fail, and this is asked again. */
export const readHeld = Effect.fn("readHeld")(function* (
  options: Pick<PlanOptions, "keys">,
  before: Held
): Effect.fn.Return<Held, ApiError, Consul> {
  const consul = yield* Consul
  const read = (key: string): Effect.Effect<Option.Option<KvEntry>, ApiError> => consul.get(key, { consistent: true })
  const record = yield* read(`${options.keys.jobs}${before.name}`)
  const mark = yield* read(`${options.keys.managed}${before.name}`)
  return { ...before, record, mark }
})

export const none = (name: string): Held => ({ name, record: Option.none(), mark: Option.none(), aliases: [] })
