/** A version as hashicorp/go-version reads it: any number of parts, padded with zeros to three, and a pre-release. */
interface Version {
  readonly parts: ReadonlyArray<number>
  readonly given: number
  readonly prerelease: string
}

/** `version` reads loosely and never lets a pre-release meet a plain constraint; `semver` compares as the standard says. */
export type VersionDialect = "version" | "semver"

const versionPattern = /^v?(\d+(?:\.\d+)*)(?:-([0-9]+[0-9A-Za-z.~-]*|[-0-9A-Za-z.~]*))?(?:\+[0-9A-Za-z.~-]+)?$/

export const parseVersion = (text: string): Version | undefined => {
  const match = versionPattern.exec(text.trim())
  if (match === null) return undefined
  const given = (match[1] ?? "").split(".").map(Number)
  return {
    parts: [...given, 0, 0].slice(0, Math.max(3, given.length)),
    given: given.length,
    prerelease: match[2] ?? ""
  }
}

/** A predicate over versions made from e.g. `>= 1.2, < 2.0`; `undefined` when it cannot be understood. */
export const parseVersionConstraint = (
  text: string,
  dialect: VersionDialect
): ((version: Version) => boolean) | undefined => {
  const checks: Array<(version: Version) => boolean> = []
  for (const part of text.split(",")) {
    const match = /^\s*(=|!=|>=|<=|>|<|~>)?\s*(\S+)\s*$/.exec(part)
    const wanted = match === null ? undefined : parseVersion(match[2] ?? "")
    if (match === null || wanted === undefined) return undefined
    const operator = match[1] ?? "="
    if (operator === "~>" && dialect === "semver") return undefined
    checks.push((version) => comparable(version, wanted, operator, dialect) && meets(operator, version, wanted))
  }
  return (version) => checks.every((check) => check(version))
}

/** go-version: a pre-release meets `>`, `<` and their kin only against a pre-release of the same version. */
const comparable = (version: Version, wanted: Version, operator: string, dialect: VersionDialect): boolean => {
  if (dialect === "semver" || operator === "=" || operator === "!=") return true
  if (version.prerelease === "") return true
  return wanted.prerelease !== "" && compareParts(version.parts, wanted.parts) === 0
}

const meets = (operator: string, version: Version, wanted: Version): boolean => {
  const order = compare(version, wanted)
  switch (operator) {
    case "!=":
      return order !== 0
    case ">":
      return order > 0
    case ">=":
      return order >= 0
    case "<":
      return order < 0
    case "<=":
      return order <= 0
    case "~>":
      return order >= 0 && pessimistic(version, wanted)
    default:
      return order === 0
  }
}

/** `~> 1.2.3` allows the last given part to grow only. */
const pessimistic = (version: Version, wanted: Version): boolean => {
  const fixed = Math.max(1, wanted.given - 1)
  return compareParts(version.parts.slice(0, fixed), wanted.parts.slice(0, fixed)) === 0
}

const compare = (a: Version, b: Version): number => {
  const order = compareParts(a.parts, b.parts)
  if (order !== 0 || a.prerelease === b.prerelease) return order
  if (a.prerelease === "") return 1
  if (b.prerelease === "") return -1
  return comparePrereleases(a.prerelease.split("."), b.prerelease.split("."))
}

const compareParts = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

const comparePrereleases = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number => {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const left = a[index]
    const right = b[index]
    if (left === right) continue
    if (left === undefined) return -1
    if (right === undefined) return 1
    return compareIdentifiers(left, right)
  }
  return 0
}

/** Numbers come before words, as semantic versioning says. */
const compareIdentifiers = (left: string, right: string): number => {
  const leftIsNumber = /^\d+$/.test(left)
  const rightIsNumber = /^\d+$/.test(right)
  if (leftIsNumber && rightIsNumber) return Math.sign(Number(left) - Number(right))
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1
  return left < right ? -1 : 1
}
