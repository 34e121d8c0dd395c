import { goRegExp } from "./goRegExp.ts"
import type { Constraint } from "./JobSpec.ts"
import type { NomadNode } from "./NomadState.ts"
import { parseVersion, parseVersionConstraint, type VersionDialect } from "./versionConstraint.ts"

/** Whether a node meets a constraint, by the rules of Nomad's scheduler; what cannot be compared is not met. */
export const meetsConstraint = (node: NomadNode, constraint: Constraint): boolean => {
  const left = resolveTarget(node, constraint.LTarget)
  const right = resolveTarget(node, constraint.RTarget)
  switch (constraint.Operand) {
    case "!=":
    case "not":
      return left !== right
    case "is_set":
      return left !== undefined
    case "is_not_set":
      return left === undefined
    default:
      return left !== undefined && right !== undefined && compare(constraint.Operand, left, right)
  }
}

/** As metrics name it: `${attr.kernel.name} = plan9`. */
export const constraintText = (constraint: Constraint): string =>
  `${constraint.LTarget} ${constraint.Operand} ${constraint.RTarget}`

/** A literal stands for itself; `undefined` is what the node lacks. */
export const resolveTarget = (node: NomadNode, target: string): string | undefined => {
  if (!target.startsWith("${")) return target
  const name = target.slice(2).replace(/\}$/, "")
  const own = properties.get(name)
  if (own !== undefined) return own(node)
  if (name.startsWith("attr.")) return lookUp(node.Attributes, name.slice("attr.".length))
  if (name.startsWith("meta.")) return lookUp(node.Meta, name.slice("meta.".length))
  return undefined
}

const properties = new Map<string, (node: NomadNode) => string>([
  ["node.unique.id", (node) => node.ID],
  ["node.unique.name", (node) => node.Name],
  ["node.datacenter", (node) => node.Datacenter],
  ["node.class", (node) => node.NodeClass],
  ["node.pool", (node) => node.NodePool]
])

const lookUp = (record: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

const compare = (operand: string, left: string, right: string): boolean => {
  if (["=", "==", "is"].includes(operand)) return left === right
  if (["<", "<=", ">", ">="].includes(operand)) return ordered(operand, left, right)
  switch (operand) {
    case "regexp":
      return goRegExp(right)?.test(left) ?? false
    case "version":
    case "semver":
      return versionMatches(operand, left, right)
    case "set_contains":
    case "set_contains_all":
      return elements(right).every((item) => elements(left).includes(item))
    case "set_contains_any":
      return elements(right).some((item) => elements(left).includes(item))
    default:
      return false
  }
}

const versionMatches = (dialect: VersionDialect, left: string, right: string): boolean => {
  const version = parseVersion(left)
  return version !== undefined && (parseVersionConstraint(right, dialect)?.(version) ?? false)
}

const elements = (text: string): ReadonlyArray<string> => text.split(",").map((item) => item.trim())

/** Numbers compare as numbers when both are, anything else by its bytes. */
const ordered = (operand: string, left: string, right: string): boolean => {
  const numbers = [left, right].map((text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN))
  const [a = NaN, b = NaN] = numbers
  const order = Number.isNaN(a) || Number.isNaN(b) ? Buffer.compare(Buffer.from(left), Buffer.from(right)) : a - b
  switch (operand) {
    case "<":
      return order < 0
    case "<=":
      return order <= 0
    case ">":
      return order > 0
    default:
      return order >= 0
  }
}
