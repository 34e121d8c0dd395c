import { HashMap, HashSet, Option } from "effect"

/** Ids of rows by what they belong to. */
export type IdIndex = HashMap.HashMap<string, HashSet.HashSet<string>>

export const membersOf = (index: IdIndex, key: string): HashSet.HashSet<string> =>
  Option.getOrElse(HashMap.get(index, key), () => HashSet.empty<string>())

/** The very same index when it has it already: most rows that are written were there before. */
export const include = (index: IdIndex, key: string, id: string): IdIndex => {
  const members = membersOf(index, key)
  return HashSet.has(members, id) ? index : HashMap.set(index, key, HashSet.add(members, id))
}

/** A key without ids is none. */
export const exclude = (index: IdIndex, key: string, id: string): IdIndex => {
  const members = membersOf(index, key)
  if (!HashSet.has(members, id)) return index
  const rest = HashSet.remove(members, id)
  return HashSet.size(rest) === 0 ? HashMap.remove(index, key) : HashMap.set(index, key, rest)
}
