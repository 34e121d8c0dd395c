import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { partition } from "../../src/store/partition.ts"

const whole = "jobs/"

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${whole}${prefix}${at}`).toSorted()

const prefixesOf = (...given: Parameters<typeof partition>): Array<string> => [...partition(...given).prefixes]

const sizes = (names: ReadonlyArray<string>, prefixes: ReadonlyArray<string>) =>
  prefixes.map((prefix) => names.filter((name) => name.startsWith(prefix)).length)

const aName = fc.stringMatching(/^[ab./é-]{1,8}$/).map((name) => `${whole}${name}`)

describe("partition", () => {
  it("leaves few names undivided", () => {
    const names = numbered("job-", 100)
    assert.deepStrictEqual(partition(whole, names, { names: 100, parts: 10 }), { prefixes: [], rest: names })
  })

  it("divides many by where they differ, so that one more of a kind is in its part", () => {
    const names = [...numbered("sample-", 3), ...numbered("stored-", 5000), ...numbered("web", 1)]
    const prefixes = prefixesOf(whole, names, { names: 1000, parts: 60 })
    assert.includeMembers(prefixes, ["jobs/sa", "jobs/w", "jobs/stored-9", "jobs/stored-12"])
    assert.isAtMost(Math.max(...sizes(names, prefixes)), 1000)
  })

  it("divides names that share nothing, as random ids do, as far as there is room", () => {
    const ids = Array.from({ length: 4096 }, (_, at) => `${whole}${(at * 2654435761).toString(16).slice(-6)}`)
    assert.lengthOf(prefixesOf(whole, ids.toSorted(), { names: 100, parts: 20 }), 16)
  })

  it("leaves a part as it is until it is twice too large, and divided until it is half too small", () => {
    const limits = { names: 100, parts: 30 }
    const names = [...numbered("a", 101), ...numbered("b", 10)]
    assert.include(prefixesOf(whole, names, limits), "jobs/a1")
    assert.include(prefixesOf(whole, names, limits, ["jobs/a", "jobs/b"]), "jobs/a")
    const fewer = [...numbered("a", 60), ...numbered("b", 10)]
    assert.deepStrictEqual(prefixesOf(whole, fewer, limits), [])
    assert.include(prefixesOf(whole, fewer, limits, ["jobs/a1", "jobs/a2", "jobs/b"]), "jobs/a1")
    assert.deepStrictEqual(prefixesOf(whole, numbered("a", 40), limits, ["jobs/a1", "jobs/a2"]), [])
  })

  it("makes parts that don't overlap, are not too many, and can be asked for", () => {
    const limits = { names: 10, parts: 8 }
    const names = fc.uniqueArray(aName, { maxLength: 200 }).map((all) => all.toSorted())
    fc.assert(
      fc.property(names, fc.uniqueArray(aName, { maxLength: 5 }), (all, present) => {
        const { prefixes, rest } = partition(whole, all, limits, present)
        assert.isAtMost(prefixes.length, limits.parts)
        for (const prefix of prefixes) {
          assert.match(prefix, /^jobs\/.*[\w-]$/)
          assert.isFalse(prefixes.some((other) => other !== prefix && other.startsWith(prefix)))
          assert.isAbove(sizes(all, [prefix])[0] ?? 0, 0)
        }
        const inNone = all.filter((name) => !prefixes.some((prefix) => name.startsWith(prefix)))
        assert.deepStrictEqual(rest, inNone)
      })
    )
  })
})
