import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { decodeAnswer } from "../../src/nomad/decodeAnswer.ts"
import { Evaluation } from "../../src/nomad/Evaluation.ts"
import { unplaced } from "../../src/nomad/placement.ts"
import { bodyBytes } from "./fixtures.ts"

const recorded = (name: string) => decodeAnswer(Schema.Array(Evaluation))(name, bodyBytes(name))

const evaluation = (fields: Omit<Partial<typeof Evaluation.Encoded>, "ID">): Evaluation =>
  Schema.decodeSync(Evaluation)({ ID: "e", ...fields })

const reasons: ReadonlyArray<readonly [name: string, reason: string]> = [
  ["evaluations-blocked-constraint", 'Constraint "${attr.kernel.name} = plan9": 1 node excluded by filter'],
  ["evaluations-blocked-driver", 'Constraint "missing drivers": 1 node excluded by filter'],
  ["evaluations-blocked-host-volume", 'Constraint "missing compatible host volumes": 1 node excluded by filter'],
  ["evaluations-blocked-memory", 'Dimension "memory" exhausted on 1 node'],
  ["evaluations-blocked-dc", 'No nodes were eligible for evaluation; No nodes are available in datacenter "dc9"']
]

describe("why a job finds no place", () => {
  for (const [name, reason] of reasons) {
    it.effect(`is told in Nomad's words: ${name}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(unplaced(yield* recorded(name)), Option.some(reason))
      })
    )
  }

  it.effect("is nothing for a job that was placed, stopped, or not yet looked at", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(unplaced([]), Option.none())
      assert.deepStrictEqual(unplaced(yield* recorded("evaluations-job-complete")), Option.none())
      assert.deepStrictEqual(unplaced(yield* recorded("evaluations-blocked-then-stopped")), Option.none())
      assert.deepStrictEqual(unplaced([evaluation({ Status: "pending" })]), Option.none())
    })
  )

  it("is nothing any more once a later evaluation has placed it", () => {
    const failed = { FailedTGAllocs: { main: { DimensionExhausted: { memory: 3 } } } }
    const before = evaluation({ CreateIndex: 5, Status: "complete", ...failed })
    const waiting = { CreateIndex: 6, Status: "blocked", ...failed }
    assert.isTrue(Option.isSome(unplaced([before, evaluation(waiting)])))
    const placed = evaluation({ CreateIndex: 6, Status: "complete" })
    assert.deepStrictEqual(unplaced([before, placed]), Option.none())
    assert.deepStrictEqual(unplaced([placed, before]), Option.none())
    assert.deepStrictEqual(unplaced([evaluation({ Status: "canceled", ...failed })]), Option.none())
  })

  it("counts what the waiting evaluation says, whatever came after it", () => {
    const waiting = evaluation({
      CreateIndex: 6,
      Status: "blocked",
      FailedTGAllocs: {
        main: { NodesEvaluated: 3, DimensionExhausted: { cpu: 2, memory: 1 }, ClassExhausted: { big: 2 } }
      }
    })
    const later = evaluation({ CreateIndex: 9, Status: "complete", TriggeredBy: "node-update" })
    assert.deepStrictEqual(
      unplaced([later, waiting]),
      Option.some(
        'Class "big" exhausted on 2 nodes; Dimension "cpu" exhausted on 2 nodes; Dimension "memory" exhausted on 1 node'
      )
    )
  })

  it("names the group where there are several, and says so when Nomad gives no reason", () => {
    const several = evaluation({
      Status: "blocked",
      FailedTGAllocs: {
        one: { NodesEvaluated: 2, ClassFiltered: { small: 2 }, QuotaExhausted: ["memory limit"] },
        two: { NodesEvaluated: 2 }
      }
    })
    assert.deepStrictEqual(
      unplaced([several]),
      Option.some(
        'one: Class "small": 2 nodes excluded by filter; Quota limit hit "memory limit" | two: No place on any of 2 nodes'
      )
    )
    const exhausted = evaluation({ Status: "failed", StatusDescription: "maximum attempts reached (5)" })
    assert.deepStrictEqual(unplaced([exhausted]), Option.some("maximum attempts reached (5)"))
    assert.deepStrictEqual(unplaced([evaluation({ Status: "blocked" })]), Option.some("the evaluation is blocked"))
  })
})
