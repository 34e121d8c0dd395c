import { assert, it } from "@effect/vitest"
import { FastCheck, Option } from "effect"
import {
  elapsed,
  type Instant,
  judge,
  Judgement,
  type SessionTerms,
  unbroken,
  type Vitals
} from "../../src/leader/Vitals.ts"

const terms: SessionTerms = { ttl: 3000, lockDelay: 1000 }
const at = (ms: number): Instant => ({ wall: 1_700_000_000_000 + ms, steady: ms })
const vitals = (beat: number, confirmed: number): Vitals => ({
  beat: at(beat),
  confirmed: at(confirmed),
  end: Option.none()
})

it("holds for 3.5 s after the older of the last report and the last confirmation", () => {
  assert.deepStrictEqual(judge("leader", vitals(1000, 1200), terms, at(2000)), Judgement.Holds({ left: 2500 }))
  assert.deepStrictEqual(judge("leader", vitals(1200, 1000), terms, at(2000)), Judgement.Holds({ left: 2500 }))
  assert.isTrue(Judgement.$is("Over")(judge("leader", vitals(1000, 5000), terms, at(4500))))
  assert.isTrue(Judgement.$is("Over")(judge("leader", vitals(5000, 1000), terms, at(4500))))
})

it("asks no confirmation of a candidate, and drops it when its session may have ended", () => {
  assert.deepStrictEqual(judge("candidate", vitals(1000, 0), terms, at(3500)), Judgement.Holds({ left: 500 }))
  assert.isTrue(Judgement.$is("Over")(judge("candidate", vitals(1000, 0), terms, at(4000))))
})

it("is over with a certain end, however fresh the rest", () => {
  for (const end of ["ProofGone", "KeyLost", "Wedged", "PacemakerGone"] as const) {
    const known = { ...vitals(1000, 1000), end: Option.some(end) }
    assert.isTrue(Judgement.$is("Over")(judge("leader", known, terms, at(1000))))
    assert.isTrue(Judgement.$is("Over")(judge("candidate", known, terms, at(1000))))
  }
})

it("goes by the clock that says more", () => {
  assert.strictEqual(elapsed({ wall: 1000, steady: 0 }, { wall: 400, steady: 700 }), 700)
  assert.strictEqual(elapsed({ wall: 1000, steady: 0 }, { wall: 61_000, steady: 10 }), 60_000)
})

/** A request and what became of it; times in ms. */
interface Sent {
  readonly at: number
  readonly taken: number | undefined
  readonly answered: number | undefined
}

/** Some are lost on the way, some on the way back; an answer may take longer than the session lives. */
const requests = FastCheck.array(
  FastCheck.record({
    pause: FastCheck.integer({ min: 1, max: 2500 }),
    there: FastCheck.integer({ min: 0, max: 4000 }),
    back: FastCheck.integer({ min: 0, max: 4000 }),
    lost: FastCheck.constantFrom("never", "never", "never", "there", "back")
  }),
  { minLength: 1, maxLength: 30 }
).map((drawn) => {
  let now = 0
  return drawn.map(({ back, lost, pause, there }): Sent => {
    now += pause
    return {
      at: now,
      taken: lost === "there" ? undefined : now + there,
      answered: lost === "never" ? now + there + back : undefined
    }
  })
})

/** The check turns critical when no report has arrived for its TTL. */
const sessionEnd = (beats: ReadonlyArray<Sent>): number => {
  let end = terms.ttl
  const taken = beats.flatMap((beat) => beat.taken ?? [])
  for (const time of taken.toSorted((a, b) => a - b)) if (time < end) end = time + terms.ttl
  return end
}

/** What the newest answer before `now` proves; `undefined` once a report came too late. */
const beatAt = (beats: ReadonlyArray<Sent>, now: number): number | undefined => {
  let last = 0
  const answers = beats.flatMap((beat) => (beat.answered === undefined ? [] : [{ sent: beat.at, at: beat.answered }]))
  for (const answer of answers.toSorted((a, b) => a.at - b.at)) {
    if (answer.at > now) break
    if (!unbroken(at(last), at(answer.at), terms.ttl)) return undefined
    last = Math.max(last, answer.sent)
  }
  return last
}

it("stops before anybody can take over, however reports and answers are delayed and lost, and clocks set", () => {
  FastCheck.assert(
    FastCheck.property(requests, FastCheck.integer({ min: -50_000, max: 50_000 }), (beats, jump) => {
      const takeOver = sessionEnd(beats) + terms.lockDelay
      // The wall clock is set while the office is held.
      const moment = (ms: number): Instant => ({ wall: ms + (ms > 1500 ? jump : 0), steady: ms })
      const stopped = (now: number): boolean => {
        const beat = beatAt(beats, now)
        if (beat === undefined) return true
        const known: Vitals = { beat: moment(beat), confirmed: moment(now), end: Option.none() }
        return Judgement.$is("Over")(judge("leader", known, terms, moment(now)))
      }
      return stopped(takeOver - 1)
    }),
    { numRuns: 20_000 }
  )
})
