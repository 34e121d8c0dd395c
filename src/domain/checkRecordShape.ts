import { Either } from "effect"
import { type FieldError, type FieldPath, formatPath } from "./FieldError.ts"

/** A BuildJob in a wrapper is seven levels deep. */
const maximumDepth = 16

/** Members and list items, counted once for each place where a YAML alias puts them. */
const maximumNodes = 20_000

/** UTF-16 units of all keys and strings, counted in the same way. */
const maximumCharacters = 512 * 1024

interface Size {
  nodes: number
  characters: number
  members: number
}

/**
 * Refuses what no record needs and what would make judging it expensive: deep nesting, cycles, more values than a
 * record has room for, anything that is not JSON.
 *
 * Answers how many members the objects have together.
 */
export const checkRecordShape = (value: unknown): Either.Either<{ readonly members: number }, FieldError> => {
  const size: Size = { nodes: 0, characters: 0, members: 0 }
  const fault = faultOf(value, [], size)
  return fault === undefined ? Either.right({ members: size.members }) : Either.left(fault)
}

const faultOf = (value: unknown, path: FieldPath, size: Size): FieldError | undefined => {
  size.nodes += 1
  if (size.nodes > maximumNodes) return wholeRecord(`has more than ${maximumNodes} values`)
  if (typeof value === "string") return grow(size, value)
  if (value === null || typeof value === "boolean" || typeof value === "number") return undefined
  if (path.length >= maximumDepth) return wholeRecord(`is nested deeper than ${maximumDepth} levels`)
  if (Array.isArray(value)) return firstFault(value.entries(), path, size)
  if (!isPlain(value)) return { path: formatPath(path), message: "the record holds a value that JSON doesn't have" }
  return firstFault(Object.entries(value), path, size)
}

const firstFault = (
  children: Iterable<readonly [string | number, unknown]>,
  path: FieldPath,
  size: Size
): FieldError | undefined => {
  for (const [key, child] of children) {
    if (typeof key === "string") size.members += 1
    const fault = (typeof key === "string" ? grow(size, key) : undefined) ?? faultOf(child, [...path, key], size)
    if (fault !== undefined) return fault
  }
  return undefined
}

const grow = (size: Size, text: string): FieldError | undefined => {
  size.characters += text.length
  return size.characters > maximumCharacters ? wholeRecord("is larger than 512 KiB") : undefined
}

const wholeRecord = (fault: string): FieldError => ({ path: "", message: `the record ${fault}` })

const isPlain = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.getOwnPropertySymbols(value).length === 0
}
