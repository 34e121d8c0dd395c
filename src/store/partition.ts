export interface PartitionLimits {
  /** Names that one part may have without being divided. */
  readonly names: number
  /** Parts at most: each costs a connection. */
  readonly parts: number
}

export interface Partition {
  /** None of them is one of another's. Empty while the names are few. */
  readonly prefixes: ReadonlyArray<string>
  /** Names below none of them: of a kind of which there are few, or for which there was no room. */
  readonly rest: ReadonlyArray<string>
}

/**
 * Prefixes that divide many names into parts of about the same size. The names are in order, as Consul lists them, and it
 * looks at few of them only.
 *
 * `present` are the prefixes of the last time: they stay until they are twice too large or half too small, since whoever
 * follows a part has to look through a new one.
 */
export const partition = (
  whole: string,
  names: ReadonlyArray<string>,
  limits: PartitionLimits,
  present: ReadonlyArray<string> = []
): Partition => {
  let nodes: ReadonlyArray<Node> = [{ prefix: whole, from: 0, to: names.length }]
  for (;;) {
    const largest = nodes.filter((node) => isTooLarge(node, limits, present)).toSorted((a, b) => sizeOf(b) - sizeOf(a))
    const divided = firstDivided(names, largest, limits.parts - nodes.length + 1)
    if (divided === undefined) break
    nodes = [...nodes.filter(({ prefix }) => prefix !== divided.prefix), ...divided.children]
  }
  const parts = nodes.filter(({ prefix }) => prefix !== whole && canBeAsked(prefix)).toSorted((a, b) => a.from - b.from)
  return { prefixes: parts.map(({ prefix }) => prefix), rest: outside(names, parts) }
}

/** The names from one place up to before another. */
interface Node {
  readonly prefix: string
  readonly from: number
  readonly to: number
}

const sizeOf = ({ from, to }: Node): number => to - from

const isTooLarge = (node: Node, limits: PartitionLimits, present: ReadonlyArray<string>): boolean => {
  if (present.includes(node.prefix)) return sizeOf(node) > 2 * limits.names
  const wasDivided = present.some((part) => part.startsWith(node.prefix))
  return sizeOf(node) > (wasDivided ? limits.names / 2 : limits.names)
}

const firstDivided = (names: ReadonlyArray<string>, nodes: ReadonlyArray<Node>, room: number) => {
  for (const node of nodes) {
    const children = childrenOf(names, node)
    if (children.length > 0 && children.length <= room) return { prefix: node.prefix, children }
  }
  return undefined
}

/** By the next character; a name that ends here stays behind. */
const childrenOf = (names: ReadonlyArray<string>, { from, prefix, to }: Node): ReadonlyArray<Node> => {
  const children: Array<Node> = []
  for (let at = from; at < to;) {
    const next = names[at]?.charAt(prefix.length) ?? ""
    const end = endOfRun(names, at, to, (name) => name.charAt(prefix.length) === next)
    if (next !== "") children.push({ prefix: prefix + next, from: at, to: end })
    at = end
  }
  return children
}

/** Where those end, from `from` on, that hold in a row: names in order that begin alike stand together. */
const endOfRun = (names: ReadonlyArray<string>, from: number, to: number, holds: (name: string) => boolean): number => {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(names[middle] ?? "")) low = middle + 1
    else high = middle
  }
  return low
}

const outside = (names: ReadonlyArray<string>, parts: ReadonlyArray<Node>): ReadonlyArray<string> => {
  if (parts.length === 0) return names
  const gaps = [...parts, { from: names.length }].map(({ from }, at) => names.slice(parts[at - 1]?.to ?? 0, from))
  return gaps.flat()
}

/** Consul cleans paths: one that ends with a dot or a slash, or within a character, may become another. */
const canBeAsked = (prefix: string): boolean => /[\w-]$/.test(prefix)
