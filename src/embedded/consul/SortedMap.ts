/**
 * A persistent map in key order: every change gives a new map and leaves the old one readable, in O(log n) time and
 * memory. Each subtree knows its highest `modifyIndex`, so that the index of a prefix costs no walk over its keys.
 */
export type SortedMap<V extends Indexed> = TreeNode<V> | undefined

export interface Indexed {
  readonly modifyIndex: number
}

interface TreeNode<V extends Indexed> {
  readonly key: string
  readonly value: V
  readonly left: SortedMap<V>
  readonly right: SortedMap<V>
  readonly height: number
  readonly size: number
  readonly maxIndex: number
}

export const sizeOf = <V extends Indexed>(map: SortedMap<V>): number => map?.size ?? 0

export const getKey = <V extends Indexed>(map: SortedMap<V>, key: string): V | undefined => {
  let node = map
  while (node !== undefined && node.key !== key) node = key < node.key ? node.left : node.right
  return node?.value
}

export const setKey = <V extends Indexed>(map: SortedMap<V>, key: string, value: V): TreeNode<V> => {
  if (map === undefined) return join(undefined, key, value, undefined)
  if (key === map.key) return join(map.left, key, value, map.right)
  return key < map.key
    ? balance(setKey(map.left, key, value), map.key, map.value, map.right)
    : balance(map.left, map.key, map.value, setKey(map.right, key, value))
}

export const removeKey = <V extends Indexed>(map: SortedMap<V>, key: string): SortedMap<V> => {
  if (map === undefined) return undefined
  if (key === map.key) return merge(map.left, map.right)
  if (key < map.key) {
    const left = removeKey(map.left, key)
    return left === map.left ? map : balance(left, map.key, map.value, map.right)
  }
  const right = removeKey(map.right, key)
  return right === map.right ? map : balance(map.left, map.key, map.value, right)
}

/** Visits what lies under a prefix, in key order. */
export const eachUnder = <V extends Indexed>(
  map: SortedMap<V>,
  prefix: string,
  visit: (value: V, key: string) => void
): void => {
  if (map === undefined) return
  const inside = map.key.startsWith(prefix)
  if (inside || map.key > prefix) eachUnder(map.left, prefix, visit)
  if (inside) visit(map.value, map.key)
  if (inside || map.key < prefix) eachUnder(map.right, prefix, visit)
}

/** The values under a prefix, in key order. */
export const valuesUnder = <V extends Indexed>(map: SortedMap<V>, prefix = ""): ReadonlyArray<V> => {
  const values: Array<V> = []
  eachUnder(map, prefix, (value) => values.push(value))
  return values
}

/** The highest `modifyIndex` under a prefix, in O(log n); 0 where nothing is. */
export const maxIndexUnder = <V extends Indexed>(map: SortedMap<V>, prefix: string): number => {
  if (prefix === "") return map?.maxIndex ?? 0
  let node = map
  while (node !== undefined && !node.key.startsWith(prefix)) node = node.key < prefix ? node.right : node.left
  if (node === undefined) return 0
  return Math.max(node.value.modifyIndex, maxFrom(node.left, prefix), maxUpTo(node.right, prefix))
}

/** All keys of `map` come before the prefix or are under it. */
const maxFrom = <V extends Indexed>(map: SortedMap<V>, prefix: string): number => {
  let node = map
  let max = 0
  while (node !== undefined) {
    if (node.key < prefix) node = node.right
    else {
      max = Math.max(max, node.value.modifyIndex, node.right?.maxIndex ?? 0)
      node = node.left
    }
  }
  return max
}

/** All keys of `map` are under the prefix or come after it. */
const maxUpTo = <V extends Indexed>(map: SortedMap<V>, prefix: string): number => {
  let node = map
  let max = 0
  while (node !== undefined) {
    if (!node.key.startsWith(prefix)) node = node.left
    else {
      max = Math.max(max, node.value.modifyIndex, node.left?.maxIndex ?? 0)
      node = node.right
    }
  }
  return max
}

const heightOf = <V extends Indexed>(map: SortedMap<V>): number => map?.height ?? 0

const join = <V extends Indexed>(left: SortedMap<V>, key: string, value: V, right: SortedMap<V>): TreeNode<V> => ({
  key,
  value,
  left,
  right,
  height: 1 + Math.max(heightOf(left), heightOf(right)),
  size: 1 + sizeOf(left) + sizeOf(right),
  maxIndex: Math.max(value.modifyIndex, left?.maxIndex ?? 0, right?.maxIndex ?? 0)
})

/** Joins two trees that differ by at most one level more than an AVL tree allows. */
const balance = <V extends Indexed>(left: SortedMap<V>, key: string, value: V, right: SortedMap<V>): TreeNode<V> => {
  const tilt = heightOf(left) - heightOf(right)
  if (tilt > 1 && left !== undefined) {
    const middle = left.right
    if (middle === undefined || heightOf(left.left) >= heightOf(middle))
      return join(left.left, left.key, left.value, join(middle, key, value, right))
    return join(
      join(left.left, left.key, left.value, middle.left),
      middle.key,
      middle.value,
      join(middle.right, key, value, right)
    )
  }
  if (tilt < -1 && right !== undefined) {
    const middle = right.left
    if (middle === undefined || heightOf(right.right) >= heightOf(middle))
      return join(join(left, key, value, middle), right.key, right.value, right.right)
    return join(
      join(left, key, value, middle.left),
      middle.key,
      middle.value,
      join(middle.right, right.key, right.value, right.right)
    )
  }
  return join(left, key, value, right)
}

const merge = <V extends Indexed>(left: SortedMap<V>, right: SortedMap<V>): SortedMap<V> => {
  if (left === undefined) return right
  if (right === undefined) return left
  let first = right
  while (first.left !== undefined) first = first.left
  return balance(left, first.key, first.value, removeKey(right, first.key))
}
