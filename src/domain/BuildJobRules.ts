import { Predicate } from "effect"
import { unaryOperands } from "./BuildJobTest.ts"
import type { FieldPath } from "./FieldError.ts"
import { maximumImageNameLength } from "./ImageReference.ts"

/** A fault before it has got its words' subject: see `fieldError`. */
export interface Fault {
  readonly path: FieldPath
  readonly fault: string
  /** When it is the key that is wrong, whatever its value. */
  readonly at?: "key"
}

/**
 * The rules that need more than one field.
 *
 * Takes anything and judges only what has the right type, so that a record's other faults don't hide these.
 */
export const crossFieldFaults = (job: unknown): ReadonlyArray<Fault> => {
  if (!Predicate.isRecord(job)) return []
  return [...imageFaults(job), ...testFaults(member(job, "test")), ...headerFaults(member(job, "webhook_headers"))]
}

const testFaults = (test: unknown): ReadonlyArray<Fault> => {
  const secrets = items(test, "vault_secrets")
  const policies = member(test, "vault_policies") ?? []
  const unauthorised = secrets.length > 0 && Array.isArray(policies) && policies.length === 0
  return [
    ...(unauthorised
      ? [{ path: ["test", "vault_policies"], fault: "is required when vault_secrets are specified" }]
      : []),
    ...secrets.flatMap(fieldMapFaults),
    ...variableFaults(member(test, "env"), secrets),
    ...items(test, "constraints").flatMap(constraintFaults)
  ]
}

const fieldMapFaults = (secret: unknown, index: number): ReadonlyArray<Fault> => {
  const fields = member(secret, "fields")
  if (!Predicate.isRecord(fields)) return []
  const mappings = Object.entries(fields)
  const path = ["test", "vault_secrets", index]
  if (mappings.length === 0) return [{ path: [...path, "fields"], fault: "map cannot be empty" }]
  return mappings.some(([field, variable]) => field === "" || variable === "")
    ? [{ path, fault: ": invalid field mapping (empty field or env var)" }]
    : []
}

/** Two sources of one variable: which of them wins would depend on the order in which Nomad renders templates. */
const variableFaults = (env: unknown, secrets: ReadonlyArray<unknown>): ReadonlyArray<Fault> => {
  const taken = new Set(Predicate.isRecord(env) ? Object.keys(env) : [])
  return secrets.flatMap((secret, index) => {
    const fields = member(secret, "fields")
    if (!Predicate.isRecord(fields)) return []
    return Object.entries(fields).flatMap(([field, variable]) => {
      if (typeof variable !== "string" || variable === "") return []
      if (!taken.has(variable)) {
        taken.add(variable)
        return []
      }
      return [
        {
          path: ["test", "vault_secrets", index, "fields", field],
          fault: "sets a variable that env or another field sets"
        }
      ]
    })
  })
}

const constraintFaults = (constraint: unknown, index: number): ReadonlyArray<Fault> => {
  if (!Predicate.isRecord(constraint)) return []
  const { operand = "=", value = "" } = constraint
  const unary = typeof operand === "string" && unaryOperands.includes(operand)
  if (unary === (value === "")) return []
  return [
    {
      path: ["test", "constraints", index, "value"],
      fault: unary
        ? "must be left out for is_set and is_not_set"
        : "is required for every operand but is_set and is_not_set"
    }
  ]
}

const imageFaults = ({
  image_name: name,
  registry_url: registry
}: {
  [x: PropertyKey]: unknown
}): ReadonlyArray<Fault> => {
  if (typeof name !== "string" || typeof registry !== "string") return []
  return name.length + 1 + registry.length <= maximumImageNameLength || name.length > maximumImageNameLength
    ? []
    : [{ path: ["image_name"], fault: `must have, with registry_url, at most ${maximumImageNameLength} characters` }]
}

/** HTTP knows no case in names: the two would be one header, with either value. */
const headerFaults = (headers: unknown): ReadonlyArray<Fault> => {
  const seen = new Set<string>()
  const repeated = Predicate.isRecord(headers)
    ? Object.keys(headers).filter((name) => seen.size === seen.add(name.toLowerCase()).size)
    : []
  return repeated.map((name) => ({
    path: ["webhook_headers", name],
    fault: "is given twice, in different case",
    at: "key"
  }))
}

const member = (value: unknown, key: string): unknown =>
  Predicate.isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined

const items = (value: unknown, key: string): ReadonlyArray<unknown> => {
  const found = member(value, key)
  return Array.isArray(found) ? found : []
}
