import { HashMap, Option } from "effect"
import { isClientTerminal, type NomadState } from "../machine/NomadState.ts"

/** Folders of allocations that have ended, in the order in which they did: what Nomad's client keeps for their logs. */
export class EndedFolders {
  private readonly ids: Set<string>
  private readonly kept: number

  /** `found`: ids of the folders that are there. `kept`: how many may stay. */
  constructor(state: NomadState, found: ReadonlyArray<string>, kept: number) {
    this.kept = kept
    const ended = found
      .flatMap((id) => Option.toArray(HashMap.get(state.allocations, id)))
      .filter(isClientTerminal)
      .toSorted((a, b) => a.ModifyIndex - b.ModifyIndex)
    this.ids = new Set(ended.map(({ ID }) => ID))
  }

  add(id: string): void {
    this.ids.add(id)
  }

  /** Those that have to go: of allocations that the servers have forgotten, and the oldest beyond the number. */
  due(state: NomadState): ReadonlyArray<string> {
    const forgotten = [...this.ids].filter((id) => !HashMap.has(state.allocations, id))
    forgotten.forEach((id) => this.ids.delete(id))
    const oldest = [...this.ids].slice(0, Math.max(0, this.ids.size - this.kept))
    oldest.forEach((id) => this.ids.delete(id))
    return [...forgotten, ...oldest]
  }
}
