import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { type Collection, collectionsValue, namedAtMost, withAnswers } from "../../src/store/CollectionsValue.ts"

const answer = (at: number, changes: Partial<Collection> = {}): Collection => ({
  requests: [`request-${at}`],
  jobs: [],
  stopped: 0,
  cleaning: 0,
  failed: 0,
  at,
  ...changes
})

describe("answers to requests for a sweep", () => {
  it("are kept for a minute, so that whoever waits finds them, and no longer", () => {
    const kept = withAnswers([answer(0), answer(30_000)], [answer(60_000)], 60_000)
    assert.deepStrictEqual(
      kept.map(({ at }) => at),
      [30_000, 60_000]
    )
  })

  it("give way to newer ones before their value outgrows what Consul holds", () => {
    const uuids = Array.from(
      { length: namedAtMost },
      (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`
    )
    let answers: ReadonlyArray<Collection> = []
    for (let at = 0; at < 100; at++) {
      answers = withAnswers(answers, [answer(at, { jobs: uuids })], at)
      const longest = uuids.map((id) => `test-entry-${id}-1`)
      const plan = { requests: [], stop: longest, clean: longest }
      assert.isBelow(collectionsValue.encode({ plan, answers }).length, 512 * 1024)
    }
    assert.deepStrictEqual(
      answers.map(({ at }) => at),
      [99]
    )
  })

  it("are none in bytes that say nothing of the kind", () => {
    assert.isTrue(Option.isNone(collectionsValue.decode(new TextEncoder().encode("garbage"))))
  })
})
