import { assert, describe, it } from "@effect/vitest"
import { EndedFolders } from "../../../../src/embedded/nomad/client/EndedFolders.ts"
import { emptyState } from "../../../../src/embedded/nomad/machine/NomadState.ts"

const known = () => true
const forgotten = () => false

describe("folders of ended allocations", () => {
  it("go with the next end when the servers have forgotten theirs, and there are few", () => {
    const folders = new EndedFolders(emptyState, [], 1000)
    for (const id of ["a", "b", "c"]) {
      folders.add(id)
      assert.deepStrictEqual(folders.due(known), [])
    }
    folders.add("d")
    assert.deepStrictEqual(
      folders.due((id) => id === "d"),
      ["a", "b", "c"]
    )
  })

  it("of many go, all together, when an eighth as many have ended", () => {
    const folders = new EndedFolders(emptyState, [], 1000)
    for (let at = 0; at < 200; at++) {
      folders.add(`old-${at}`)
      folders.due(known)
    }
    const gone: Array<number> = []
    for (let at = 0; at < 30; at++) {
      folders.add(`new-${at}`)
      const due = folders.due(forgotten)
      if (due.length > 0) gone.push(due.length)
    }
    const [first = 0] = gone
    assert.isAtLeast(first, 200)
    assert.isAtMost(first, 200 + 30)
  })

  it("go beyond a number, the oldest first", () => {
    const folders = new EndedFolders(emptyState, [], 2)
    const gone = ["a", "b", "c", "d"].map((id) => {
      folders.add(id)
      return folders.due(known)
    })
    assert.deepStrictEqual(gone, [[], [], ["a"], ["b"]])
  })
})
