import { goRegExp } from "./goRegExp.ts"
import type { Constraint } from "./JobSpec.ts"
import { parseVersionConstraint } from "./versionConstraint.ts"

/** What Nomad has against a constraint, whatever the nodes are. */
export const constraintFault = (constraint: Constraint): ReadonlyArray<string> => [
  ...operandFault(constraint.Operand, constraint.RTarget),
  ...(constraint.LTarget === "" && constraint.Operand !== "distinct_hosts"
    ? ["No LTarget provided but is required by constraint"]
    : [])
]

const comparisons = new Set(["=", "==", "is", "!=", "not", "<", "<=", ">", ">="])
const distinct = new Set(["distinct_hosts", "distinct_property"])
const presence = new Set(["is_set", "is_not_set"])
const sets = new Set(["set_contains", "set_contains_all", "set_contains_any"])

const operandFault = (operand: string, right: string): ReadonlyArray<string> => {
  if (comparisons.has(operand)) {
    return right === "" ? [`Operator ${JSON.stringify(operand)} requires an RTarget`] : []
  }
  if (distinct.has(operand)) return []
  if (presence.has(operand)) {
    return right === "" ? [] : [`Operator ${JSON.stringify(operand)} does not support an RTarget`]
  }
  if (sets.has(operand)) return right === "" ? ["Set contains constraint requires an RTarget"] : []
  switch (operand) {
    case "regexp":
      return readable(goRegExp(right), `Regular expression failed to compile: error parsing regexp: \`${right}\``)
    case "version":
    case "semver":
      return readable(
        parseVersionConstraint(right, operand),
        `${operand === "version" ? "Version" : "Semver"} constraint is invalid: Malformed constraint: ${right}`
      )
    default:
      return [`Unknown constraint type ${JSON.stringify(operand)}`]
  }
}

const readable = (parsed: unknown, fault: string): ReadonlyArray<string> => (parsed === undefined ? [fault] : [])
