import { Option } from "effect"
import type { Evaluation, FailedPlacement } from "./Evaluation.ts"

/**
 * Why a job waits for a place, in the words of Nomad's own status command; none when its newest evaluation placed it,
 * or is still under way.
 *
 * An evaluation that found no place is `complete` all the same, and a `blocked` one of its own waits for room.
 */
export const unplaced = (evaluations: ReadonlyArray<Evaluation>): Option.Option<string> => {
  const waiting = newest(evaluations.filter(({ Status }) => Status === "blocked"))
  return Option.flatMap(
    Option.orElse(waiting, () => newest(evaluations)),
    reasonOf
  )
}

const newest = (evaluations: ReadonlyArray<Evaluation>): Option.Option<Evaluation> =>
  Option.fromNullable(evaluations.toSorted((a, b) => b.CreateIndex - a.CreateIndex)[0])

const reasonOf = (evaluation: Evaluation): Option.Option<string> => {
  if (evaluation.Status === "canceled") return Option.none()
  const groups = Object.entries(evaluation.FailedTGAllocs)
  const reasons = groups.map(([group, failed]) =>
    groups.length > 1 ? `${group}: ${wordsOf(failed).join("; ")}` : wordsOf(failed).join("; ")
  )
  if (reasons.length > 0) return Option.some(reasons.join(" | "))
  return evaluation.Status === "failed" || evaluation.Status === "blocked"
    ? Option.some(evaluation.StatusDescription || `the evaluation is ${evaluation.Status}`)
    : Option.none()
}

const wordsOf = (failed: FailedPlacement): ReadonlyArray<string> => {
  const words = [
    ...(failed.NodesEvaluated === 0 ? ["No nodes were eligible for evaluation"] : []),
    ...Object.entries(failed.NodesAvailable).flatMap(([datacenter, nodes]) =>
      nodes === 0 ? [`No nodes are available in datacenter "${datacenter}"`] : []
    ),
    ...each(failed.ClassFiltered, (name, nodes) => `Class "${name}": ${nodes} excluded by filter`),
    ...each(failed.ConstraintFiltered, (name, nodes) => `Constraint "${name}": ${nodes} excluded by filter`),
    ...each(failed.ClassExhausted, (name, nodes) => `Class "${name}" exhausted on ${nodes}`),
    ...each(failed.DimensionExhausted, (name, nodes) => `Dimension "${name}" exhausted on ${nodes}`),
    ...failed.QuotaExhausted.map((name) => `Quota limit hit "${name}"`)
  ]
  return words.length > 0 ? words : [`No place on any of ${nodeCount(failed.NodesEvaluated)}`]
}

const each = (
  counts: Readonly<Record<string, number>>,
  words: (name: string, nodes: string) => string
): ReadonlyArray<string> => Object.entries(counts).map(([name, nodes]) => words(name, nodeCount(nodes)))

const nodeCount = (nodes: number): string => (nodes === 1 ? "1 node" : `${String(nodes)} nodes`)
