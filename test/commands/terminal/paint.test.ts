import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Stream } from "effect"
import { Io, type Screen } from "../../../src/commands/Io.ts"
import type { Size } from "../../../src/commands/terminal/frameChange.ts"
import { type Draw, paint } from "../../../src/commands/terminal/paint.ts"
import { TerminalModel } from "./TerminalModel.ts"

/** A terminal, the writes to it, and a way to change its size. */
const makeTerminal = Effect.gen(function* () {
  const model = new TerminalModel(40, 8)
  const writes: Array<string> = []
  const changes = yield* Queue.unbounded<void>()
  const screen: Screen = {
    size: Effect.sync(() => ({ columns: model.columns, rows: model.rows })),
    resized: Queue.take(changes),
    colour: true
  }
  const out = (text: string) =>
    Effect.sync(() => {
      writes.push(text)
      model.write(text)
    })
  const resize = (columns: number, rows: number) =>
    Effect.suspend(() => {
      model.resize(columns, rows)
      return Queue.offer(changes, undefined)
    })
  const io = Io.of({
    out,
    err: () => Effect.void,
    stdin: Effect.succeedNone,
    environment: {},
    screen: Effect.runSync(Effect.succeedSome(screen))
  })
  return { model, writes, screen, resize, io }
})

/** Fills the window, and one line and some columns more. */
const full: Draw = ({ columns, rows }: Size) =>
  Array.from({ length: rows + 1 }, (_, row) => `${row} ${"日".repeat(columns)}`)

const moment = Effect.sleep("150 millis")

describe("paint", () => {
  it.scopedLive("shows the newest view and after each change of the window's size nothing of an older one", () =>
    Effect.gen(function* () {
      const { io, model, resize, screen } = yield* makeTerminal
      const views = yield* Queue.unbounded<Draw>()
      yield* paint(screen, Stream.fromQueue(views)).pipe(Effect.provideService(Io, io), Effect.forkScoped)
      yield* Queue.offer(views, full)
      yield* moment
      for (const [columns, rows] of [
        [80, 20],
        [13, 5],
        [12, 3],
        [200, 40],
        [1, 1],
        [40, 8]
      ] as const) {
        yield* resize(columns, rows)
        yield* moment
        const lines = model.lines()
        assert.strictEqual(lines.length, rows)
        const text = columns === 1 ? "…" : undefined
        for (const [row, line] of lines.entries()) {
          const mark = `${row} `
          const room = columns - mark.length - 1
          assert.strictEqual(line, text ?? `${mark}${"日".repeat(Math.floor(room / 2))}…`, `${columns}x${rows}`)
        }
      }
      yield* Queue.offer(views, () => ["the", "same", "lines"])
      yield* moment
      yield* resize(80, 20)
      yield* moment
      assert.deepStrictEqual(
        model.lines().filter((line) => line !== ""),
        ["the", "same", "lines"]
      )
      assert.strictEqual(model.lines()[0], "the")
      yield* resize(40, 8)
      yield* Queue.offer(views, () => ["short"])
      yield* moment
      assert.deepStrictEqual(model.lines(), ["short", "", "", "", "", "", "", ""])
      assert.deepStrictEqual(model.refused, [])
    })
  )

  it.scopedLive("writes only the lines that changed, each frame in one synchronized piece", () =>
    Effect.gen(function* () {
      const { io, model, screen, writes } = yield* makeTerminal
      const views = yield* Queue.unbounded<Draw>()
      yield* paint(screen, Stream.fromQueue(views)).pipe(Effect.provideService(Io, io), Effect.forkScoped)
      yield* Queue.offer(views, () => ["one", "two", "three"])
      yield* moment
      const before = writes.length
      yield* Queue.offer(views, () => ["one", "2", "three"])
      yield* moment
      yield* Queue.offer(views, () => ["one", "2", "three"])
      yield* moment
      const frames = writes.slice(before)
      assert.strictEqual(frames.length, 1)
      assert.notInclude(frames[0], "one")
      assert.isTrue(frames[0]?.startsWith("\u001b[?2026h") && frames[0].endsWith("\u001b[?2026l"))
      assert.deepStrictEqual(model.lines().slice(0, 3), ["one", "2", "three"])
      assert.isFalse(model.updating)
    })
  )

  it.scopedLive("makes no flood of frames of a flood of views, and shows the last of them", () =>
    Effect.gen(function* () {
      const { io, model, screen, writes } = yield* makeTerminal
      const views = Stream.concat(
        Stream.map(Stream.range(1, 20_000), (count): Draw => () => [`line ${count}`]),
        Stream.never
      )
      yield* paint(screen, views).pipe(Effect.provideService(Io, io), Effect.forkScoped)
      yield* Effect.sleep("1 second").pipe(Effect.repeat({ until: () => model.lines()[0] === "line 20000", times: 10 }))
      assert.strictEqual(model.lines()[0], "line 20000")
      assert.isBelow(writes.length, 250)
    })
  )

  it.scopedLive("gives the terminal back as it was when the views end, fail or are interrupted", () =>
    Effect.gen(function* () {
      const endings: ReadonlyArray<Stream.Stream<Draw, string>> = [
        Stream.empty,
        Stream.fail("gone"),
        Stream.die("bug"),
        Stream.never
      ]
      for (const ending of endings) {
        const { io, model, screen } = yield* makeTerminal
        model.write("$ jobforge watch 1")
        const fiber = yield* paint(
          screen,
          Stream.concat(
            Stream.make<[Draw]>(() => ["view"]),
            ending
          )
        ).pipe(Effect.provideService(Io, io), Effect.fork)
        yield* moment
        const exit = ending === Stream.never ? yield* Fiber.interrupt(fiber) : yield* Fiber.await(fiber)
        assert.strictEqual(Exit.isSuccess(exit), ending === Stream.empty)
        assert.deepStrictEqual(
          [model.cursorShown, model.wraps, model.isAlternate, model.lines()[0]],
          [true, true, false, "$ jobforge watch 1"]
        )
      }
    })
  )

  it.scopedLive("hides the cursor and wraps no line while it shows something", () =>
    Effect.gen(function* () {
      const { io, model, screen } = yield* makeTerminal
      yield* paint(screen, Stream.never).pipe(Effect.provideService(Io, io), Effect.forkScoped)
      yield* moment
      assert.deepStrictEqual([model.cursorShown, model.wraps, model.isAlternate], [false, false, true])
    })
  )
})
