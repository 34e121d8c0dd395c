import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { Records } from "../../src/store/Records.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { minimal } from "../support/world.ts"
import { Prng } from "../sim/Prng.ts"

const keys = keysBelow("jobforge-service")

const record = (owner: string) => JSON.stringify({ ...minimal, owner })

const owners = (records: Records["Type"]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    records
      .names()
      .toSorted()
      .map((name) => [
        name,
        Option.match(records.get(name), {
          onNone: () => "gone",
          onSome: ({ view }) => (view._tag === "Valid" ? view.desired.job.owner : view._tag)
        })
      ])
  )

/** A Consul that notes which prefixes are watched. */
const noted = (watched: Array<string>): Layer.Layer<Consul> =>
  Layer.effect(
    Consul,
    Effect.map(Consul, (consul) => ({
      ...consul,
      watchKeys: (prefix: string) => {
        watched.push(prefix)
        return consul.watchKeys(prefix)
      }
    }))
  ).pipe(Layer.provide(embeddedConsul))

const test = (
  title: string,
  story: (world: {
    watched: ReadonlyArray<string>
    put: (name: string, owner: string) => Effect.Effect<void>
    remove: (name: string) => Effect.Effect<void>
    /** Waits until the records are these, by name and owner. */
    becomes: (what: string, expected: Readonly<Record<string, string>>) => Effect.Effect<void>
  }) => Effect.Effect<void>,
  initial: Readonly<Record<string, string>>
) =>
  it.live(title, () => {
    const watched: Array<string> = []
    return Effect.gen(function* () {
      const consul = yield* Consul
      const put = (name: string, owner: string) => Effect.orDie(consul.put(`${keys.jobs}${name}`, record(owner)))
      yield* Effect.forEach(Object.entries(initial), ([name, owner]) => put(name, owner), { concurrency: 16 })
      const layer = Records.layer(keys, { names: 20, parts: 12 })
      const records = Context.get(yield* Layer.build(layer), Records)
      yield* records.changes
      yield* records.ready
      assert.deepStrictEqual(owners(records), initial)
      yield* story({
        watched,
        put,
        remove: (name) => Effect.orDie(consul.delete(`${keys.jobs}${name}`)),
        becomes: (what, expected) =>
          eventually(
            what,
            Effect.sync(() => JSON.stringify(owners(records)) === JSON.stringify(expected))
          )
      })
    }).pipe(Effect.scoped, Effect.provide(noted(watched)))
  })

const sorted = (all: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const many = sorted(
  Object.fromEntries([
    ...Array.from({ length: 50 }, (_, at) => [`web-${at}`, "web"] as const),
    ...Array.from({ length: 15 }, (_, at) => [`api-${at}`, "api"] as const),
    [".hidden", "none"] as const
  ])
)

describe("records whose names are watched in parts", () => {
  test(
    "tell what comes, changes and goes in a part and in none",
    ({ becomes, put, remove, watched }) =>
      Effect.gen(function* () {
        assert.includeMembers([...watched], [`${keys.jobs}a`, `${keys.jobs}web-1`])
        assert.notInclude(watched, `${keys.jobs}.`)
        let expected = many
        const next = (change: Readonly<Record<string, string>>) => (expected = sorted({ ...expected, ...change }))
        const without = (name: string) => {
          const { [name]: _gone, ...rest } = expected
          return (expected = rest)
        }
        yield* put("web-17", "changed")
        yield* becomes("a change in a part", next({ "web-17": "changed" }))
        yield* put("api-new", "fresh")
        yield* becomes("a new one in a part", next({ "api-new": "fresh" }))
        yield* remove("web-3")
        yield* becomes("a deletion in a part", without("web-3"))
        yield* put("zoo", "fresh")
        yield* becomes("a new one in none", next({ zoo: "fresh" }))
        yield* put(".hidden", "changed")
        yield* becomes("a change in none", next({ ".hidden": "changed" }))
        yield* remove(".hidden")
        yield* becomes("a deletion in none", without(".hidden"))
        yield* remove("zoo")
        yield* becomes("a deletion of a part's last", without("zoo"))
      }),
    many
  )

  test(
    "notice each of many changes while the parts come and go",
    ({ becomes, put, remove }) =>
      Effect.gen(function* () {
        const dice = new Prng(1)
        const expected = new Map(Object.entries(many))
        const letters = ["a", "b", "web-", "web-1", "x."]
        for (let step = 0; step < 400; step++) {
          const name = `${letters[dice.between(0, letters.length - 1)]}${dice.between(0, 30)}`
          // First it grows, then it shrinks.
          if (dice.between(0, 399) < step) {
            yield* remove(name)
            expected.delete(name)
          } else {
            yield* put(name, `owner ${step}`)
            expected.set(name, `owner ${step}`)
          }
        }
        yield* becomes("all are known as they are", sorted(Object.fromEntries(expected)))
      }),
    many
  )
})
