import { Array as Arr } from "effect"
import { type FieldPath, formatPath } from "../../domain/FieldError.ts"
import { legacyTestFields } from "../../domain/RecordFields.ts"
import { type Member, parseTree, type Tree } from "./Tree.ts"

/** Where something stands in a text. */
export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units: what editors and language servers count. A tab is one. */
  readonly column: number
  /** False when the text hasn't the path itself: the place is that of its nearest parent. */
  readonly exact: boolean
}

/** Which part of a member is meant. A missing or an empty value stands where its key does. */
export type Part = "value" | "key"

/**
 * Where the record in a JSON or YAML text has the member that an error names, by the path of `FieldError`.
 *
 * Sees through the wrappers, earlier names, aliases and merge keys. Never fails: of a text that can't be read it is
 * the start.
 */
export const locate = (text: string, path: string, part: Part = "value"): Place => locator(text)(path, part)

/** The same for many members of one text, which is parsed once. */
export const locator = (text: string): ((path: string, part?: Part) => Place) => {
  const placeOf = places(text)
  const root = resolved(parseTree(text))
  if (root === undefined) return () => ({ ...placeOf(0), exact: false })
  return (path, part = "value") => {
    const found = findAll(root, path, part)
    const best = found.find(({ exact }) => exact) ?? found.reduce((a, b) => (b.depth > a.depth ? b : a))
    return { ...placeOf(best.at), exact: best.exact }
  }
}

interface Found {
  readonly at: number
  /** How many members of the path were there. */
  readonly depth: number
  readonly exact: boolean
}

/** What the path may mean, likeliest first: in the wrapper's object, then beside it; by its name, then by its earlier one. */
const findAll = (root: Tree, path: string, part: Part): Arr.NonEmptyReadonlyArray<Found> => {
  const inner = wrappers.flatMap((name) => {
    const value = resolved(membersOf(root).find(({ key }) => key === name)?.value)
    return value?.kind === "map" ? [value] : []
  })
  return Arr.flatMap(Arr.append(inner, root), (record) =>
    Arr.map(Arr.prepend(earlierNames(path), path), (name) => find(record, name, part, [], record.at ?? 0))
  )
}

const wrappers = ["job_config", "jobConfig"]

const earlierNames = (path: string): ReadonlyArray<string> =>
  Object.entries(legacyTestFields)
    .filter(([, name]) => startsWith(path, `test.${name}`))
    .map(([earlier, name]) => earlier + path.slice(`test.${name}`.length))

/**
 * Goes down as far as the path leads; of a member that isn't there the place is `at`, its parent's.
 *
 * Keys are compared as paths show them: cut, and in quotes where they need it.
 */
const find = (node: Tree, path: string, part: Part, above: FieldPath, at: number): Found => {
  const child = childrenOf(node).find(({ segment }) => startsWith(path, formatPath([...above, segment])))
  if (child === undefined) return { at, depth: above.length, exact: path === "" }
  const { keyAt, segment, value } = child
  const walked = [...above, segment]
  if (formatPath(walked) === path) {
    const own = part === "key" ? (keyAt ?? value.at) : (value.at ?? keyAt)
    return { at: own ?? at, depth: walked.length, exact: true }
  }
  const here = value.at ?? keyAt ?? at
  const next = resolved(value)
  return next === undefined ? { at: here, depth: walked.length, exact: false } : find(next, path, part, walked, here)
}

interface Child {
  readonly segment: string | number
  readonly keyAt: number | undefined
  readonly value: Tree
}

const childrenOf = (node: Tree): ReadonlyArray<Child> => {
  if (node.kind === "list") return node.items.map((value, segment) => ({ segment, keyAt: undefined, value }))
  return membersOf(node).flatMap(({ key, keyAt, value }) => (key === undefined ? [] : [{ segment: key, keyAt, value }]))
}

/**
 * A mapping's own members first, since they win over merged ones, and among these the earlier.
 *
 * `seen`: what is merged a second time adds nothing, and merges of merges would grow beyond all measure.
 */
const membersOf = (node: Tree, seen = new Set<Tree>()): ReadonlyArray<Member> => {
  if (node.kind !== "map" || seen.has(node)) return []
  seen.add(node)
  const [own, merges] = Arr.partition(node.members, ({ key }) => key === "<<")
  const sources = merges.flatMap(({ value }) => {
    const source = resolved(value)
    return source?.kind === "list" ? source.items.map(resolved) : [source]
  })
  return [...own, ...sources.flatMap((source) => (source === undefined ? [] : membersOf(source, seen)))]
}

const resolved = (node: Tree | undefined): Tree | undefined => (node?.kind === "alias" ? resolved(node.to) : node)

/** Whether `path` is `start` or leads on from it. */
const startsWith = (path: string, start: string): boolean =>
  path.startsWith(start) && ["", ".", "["].includes(path.charAt(start.length))

/** From an offset to its line and column. */
const places = (text: string) => {
  // The mark that some editors start a file with takes no column.
  const mark = text.startsWith("\ufeff") ? 1 : 0
  const starts = [mark, ...Array.from(text.matchAll(/\r\n|\n|\r/g), ({ 0: end, index }) => index + end.length)]
  return (at: number) => {
    const offset = Math.max(at, mark)
    const line = starts.findLastIndex((start) => start <= offset)
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 }
  }
}
