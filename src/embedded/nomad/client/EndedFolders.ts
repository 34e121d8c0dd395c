import { HashMap, Option } from "effect"
import { isClientTerminal, type NomadState } from "../machine/NomadState.ts"

/** Folders of allocations that have ended, in the order in which they did: what Nomad's client keeps for their logs. */
export class EndedFolders {
  private readonly ids: Set<string>
  private readonly kept: number
  private endedSince = 0

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
    this.endedSince += 1
  }

  /**
   * Those that have to go: of allocations that the servers have forgotten, and the oldest beyond the number. To look for
   * the forgotten among many waits until some more have ended.
   */
  due(isKnown: (id: string) => boolean): ReadonlyArray<string> {
    const forgotten = this.endedSince * patience < this.ids.size ? [] : this.forgotten(isKnown)
    forgotten.forEach((id) => this.ids.delete(id))
    const oldest = [...this.ids].slice(0, Math.max(0, this.ids.size - this.kept))
    oldest.forEach((id) => this.ids.delete(id))
    return [...forgotten, ...oldest]
  }

  private forgotten(isKnown: (id: string) => boolean): ReadonlyArray<string> {
    this.endedSince = 0
    return [...this.ids].filter((id) => !isKnown(id))
  }
}

/** As many are looked at for each that ends. */
const patience = 8
