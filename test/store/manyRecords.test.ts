import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import type { ReadOptions } from "../../src/consul/ReadOptions.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { Records } from "../../src/store/Records.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"

const keys = keysBelow("jobforge-service")

const record = (owner: string) =>
  JSON.stringify({
    owner,
    repo_url: "https://git.example.com/a/b.git",
    image_name: "a/b",
    registry_url: "r.example.com"
  })

/** A Consul whose reads of whole prefixes and of single keys are noted. */
const noted = (lists: Array<string>, gets: Array<string>): Layer.Layer<Consul> =>
  Layer.effect(
    Consul,
    Effect.map(Consul, (consul) => ({
      ...consul,
      get: (key: string, options?: ReadOptions) =>
        Effect.zipRight(
          Effect.sync(() => gets.push(key)),
          consul.get(key, options)
        ),
      list: (prefix: string, options?: ReadOptions) =>
        Effect.zipRight(
          Effect.sync(() => lists.push(prefix)),
          consul.list(prefix, options)
        )
    }))
  ).pipe(Layer.provide(embeddedConsul))

describe("many records", () => {
  it.live("are followed without reading all of them for each change", () => {
    const lists: Array<string> = []
    const gets: Array<string> = []
    return Effect.gen(function* () {
      const consul = yield* Consul
      const put = (name: string, value: string | Uint8Array) => consul.put(`${keys.jobs}${name}`, value)
      yield* Effect.forEach(
        Array.from({ length: 400 }, (_, at) => at),
        (at) => put(`r${at}`, record(`owner ${at}`)),
        { concurrency: 16 }
      )
      yield* put("large", new Uint8Array(500 * 1024))
      yield* put("folder/", "")
      yield* put("git.ref", "abc")
      const records = Context.get(yield* Layer.build(Records.layer(keys)), Records)
      const owner = (name: string) =>
        Option.match(records.get(name), {
          onNone: () => "gone",
          onSome: ({ view }) => (view._tag === "Valid" ? view.desired.job.owner : view._tag)
        })
      yield* records.ready
      assert.strictEqual(records.names().length, 401)
      assert.strictEqual(owner("r399"), "owner 399")
      assert.strictEqual(owner("large"), "Invalid")

      yield* put("r7", record("changed"))
      yield* eventually(
        "the change is seen",
        Effect.sync(() => owner("r7") === "changed")
      )
      yield* put("new", record("fresh"))
      yield* eventually(
        "the new one is seen",
        Effect.sync(() => owner("new") === "fresh")
      )
      yield* consul.delete(`${keys.jobs}r8`)
      yield* eventually(
        "the deletion is seen",
        Effect.sync(() => owner("r8") === "gone")
      )
      // Gone and there again between two looks: it is another record now.
      yield* consul.delete(`${keys.jobs}r9`)
      yield* put("r9", record("again"))
      yield* eventually(
        "the new content is seen",
        Effect.sync(() => owner("r9") === "again")
      )
      gets.length = 0
      yield* consul.deleteTree(`${keys.jobs}r2`)
      yield* eventually(
        "all that were deleted at once are gone, and no other",
        Effect.sync(() => records.names().length === 402 - 1 - 111)
      )
      assert.isBelow(gets.length, 5)
      assert.deepStrictEqual(
        lists.filter((prefix) => prefix === keys.jobs),
        []
      )
    }).pipe(Effect.scoped, Effect.provide(noted(lists, gets)))
  })
})
