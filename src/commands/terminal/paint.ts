import { Effect, Queue, Ref, Stream } from "effect"
import { Io, type Screen } from "../Io.ts"
import { type Frame, frameChange, frameOf, type Size } from "./frameChange.ts"

/** What is to be seen in a window of this size. Lines that are too long or too many are cut. */
export type Draw = (size: Size) => ReadonlyArray<string>

/**
 * Shows the newest of these views in the whole window until there are no more, each drawn again whenever the window
 * changes. The terminal's own content comes back at the end, however that comes.
 */
export const paint = <E, R>(screen: Screen, views: Stream.Stream<Draw, E, R>): Effect.Effect<void, E, Io | R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { out } = yield* Io
      const view = yield* Ref.make<Draw>(() => [])
      const shown = yield* Ref.make<Frame | undefined>(undefined)
      const wishes = yield* Queue.sliding<void>(1)
      const wish = Queue.offer(wishes, undefined)

      const show = Effect.gen(function* () {
        const size = yield* screen.size
        const frame = frameOf(size, (yield* Ref.get(view))(size))
        const change = frameChange(yield* Ref.getAndSet(shown, frame), frame)
        if (change !== "") yield* out(change)
      })
      const painter = Queue.take(wishes).pipe(
        Effect.zipRight(show),
        Effect.zipRight(Effect.sleep(pause)),
        Effect.forever
      )
      const resizer = Effect.forever(Effect.zipRight(screen.resized, wish))

      yield* Effect.acquireRelease(out(enter), () => out(leave))
      yield* Effect.raceFirst(
        Effect.raceFirst(painter, resizer),
        Stream.runForEach(views, (next) => Effect.zipRight(Ref.set(view, next), wish))
      )
    })
  )

/** So that a flood of views doesn't become a flood of frames. */
const pause = "50 millis"

const escape = String.fromCharCode(27)

/**
 * Another screen, which terminals don't reflow at a change of size; no cursor; and a character that is wider than we count
 * runs over the edge instead of moving all lines below it.
 */
const enter = `${escape}[?1049h${escape}[?25l${escape}[?7l${escape}[H${escape}[2J`
const leave = `${escape}[0m${escape}[?7h${escape}[?25h${escape}[?1049l`
