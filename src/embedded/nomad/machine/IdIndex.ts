import { HashMap, HashSet, Option } from "effect"

/** Ids of rows by what they belong to. */
export type IdIndex = HashMap.HashMap<string, HashSet.HashSet<string>>

export const membersOf = (index: IdIndex, key: string): HashSet.HashSet<string> =>
  Option.getOrElse(HashMap.get(index, key), () => HashSet.empty<string>())

export const include = (index: IdIndex, key: string, id: string): IdIndex =>
  HashMap.set(index, key, HashSet.add(membersOf(index, key), id))

/** A key without ids is none. */
export const exclude = (index: IdIndex, key: string, id: string): IdIndex => {
  const rest = HashSet.remove(membersOf(index, key), id)
  return HashSet.size(rest) === 0 ? HashMap.remove(index, key) : HashMap.set(index, key, rest)
}
