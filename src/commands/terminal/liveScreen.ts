import { Effect, Option } from "effect"
import { Io, type Screen } from "../Io.ts"

/** The terminal for a view that repaints itself: none where plain lines were asked for, or the cursor can't be moved. */
export const liveScreen: Effect.Effect<Option.Option<Screen>, never, Io> = Effect.map(Io, ({ environment, screen }) => {
  const { NO_COLOR: noColour = "", TERM: terminal } = environment
  return noColour === "" && terminal !== "dumb" ? screen : Option.none()
})
