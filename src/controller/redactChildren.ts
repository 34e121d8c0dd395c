import { Effect, Option } from "effect"
import { ChildState } from "../domain/ChildState.ts"
import type { Status } from "../domain/Status.ts"
import { Redaction } from "../store/Redaction.ts"

/**
 * Takes secrets out of what Nomad says about a run's children: it quotes the file that it couldn't parse, and the address
 * of the image that it couldn't pull.
 */
export const redactChildren = Effect.fnUntraced(function* (
  run: Option.Option<Status>,
  children: ReadonlyMap<string, ChildState>
): Effect.fn.Return<ReadonlyMap<string, ChildState>, never, Redaction> {
  if (Option.isNone(run) || ![...children.values()].some(hasWords)) return children
  const { text } = yield* (yield* Redaction).of(run.value)
  return new Map(Array.from(children, ([id, state]) => [id, redactWords(text, state)]))
})

/** Most children, most of the time, have none, and need no redactor. */
const hasWords = (state: ChildState): boolean =>
  "message" in state ||
  (state._tag === "Queued" && Option.isSome(state.unplaced)) ||
  (state._tag === "Starting" && Option.isSome(state.waiting))

const redactWords = (text: (words: string) => string, state: ChildState): ChildState => {
  switch (state._tag) {
    case "Queued":
      return ChildState.Queued({ unplaced: Option.map(state.unplaced, text) })
    case "Starting":
      return ChildState.Starting({ ...state, waiting: Option.map(state.waiting, text) })
    case "CommandFailed":
      return ChildState.CommandFailed({ ...state, message: text(state.message) })
    case "NeverStarted":
      return ChildState.NeverStarted({ ...state, message: text(state.message) })
    case "Lost":
      return ChildState.Lost({ ...state, message: text(state.message) })
    case "Absent":
    case "Running":
    case "Succeeded":
    case "Stopping":
    case "Stopped":
      return state
  }
}
