import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Layer, Option, Random } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { boundLog, headKept, makeLogWindow, tailKept } from "../../src/store/BoundedLog.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { decodeLogEntry } from "../../src/store/LogEntry.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

const keys = keysBelow("jobforge-service")

const tester = Layer.provideMerge(LogArchive.layer(keys), embeddedConsul)

/** Bytes that don't compress. */
const noise = (length: number) =>
  Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 256), length), (bytes) => Buffer.from(bytes))

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("makeLogWindow", () => {
  it("keeps the same whichever pieces the output came in", () => {
    const content = Buffer.from(Array.from({ length: headKept + tailKept + 70_001 }, (_, at) => at % 251))
    const whole = boundLog(content)
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.nat(content.length), { maxLength: 20 }), (cuts) => {
        const window = makeLogWindow()
        const ends = [...cuts.toSorted((a, b) => a - b), content.length]
        ends.forEach((end, at) => window.add(content.subarray(ends[at - 1] ?? 0, end)))
        const pieced = window.end()
        assert.isTrue(Buffer.from(pieced.kept).equals(Buffer.from(whole.kept)))
        assert.deepStrictEqual([pieced.bytes, pieced.truncated], [content.length, true])
      }),
      { numRuns: 20 }
    )
    assert.include(text(whole.kept), "\n[70001 bytes were cut out here]\n")
  })

  it("cuts nothing of what just fits", () => {
    const content = Buffer.alloc(headKept + tailKept, "x")
    assert.deepStrictEqual(boundLog(content), { kept: content, bytes: content.length, truncated: false })
  })

  it("says that more is missing than it knows when the middle was never looked at", () => {
    const window = makeLogWindow()
    window.add(Buffer.alloc(headKept + tailKept, "a"))
    window.leap()
    window.add(Buffer.from("the end"))
    const { kept, truncated } = window.end()
    assert.isTrue(truncated)
    assert.isTrue(text(kept).endsWith(`\n[more than ${tailKept} bytes were cut out here]\nthe end`))
  })

  it("drops the rest of the line that it leapt into", () => {
    const window = makeLogWindow()
    window.add(Buffer.from("the beginning\n"))
    window.leap()
    window.add(new Uint8Array())
    window.add(Buffer.from("rest of a line\nthe "))
    window.add(Buffer.from("end\n"))
    assert.match(text(window.end().kept), /^the beginning\n\n\[more than 15 bytes were cut out here\]\nthe end\n$/)
  })
})

describe("LogArchive", () => {
  it.live("gives a log back as it was, over several values when it must", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* LogArchive
      const content = yield* noise(900_000)
      const archived = yield* archive.write("a", "build-1", "stdout", boundLog(content))
      assert.deepStrictEqual(archived, { bytes: content.length, truncated: false })
      assert.isAbove((yield* consul.keys(keys.logsOf("a", "build-1", "stdout"))).value.length, 1)
      assert.isTrue(content.equals(yield* archive.read("a", "build-1", "stdout")))
      assert.deepStrictEqual(yield* archive.find("a", "build-1", "stdout"), Option.some(archived))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("can be read with Consul's and the shell's own means", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* LogArchive
      yield* archive.write("team/a", "build-1", "stdout", boundLog(Buffer.from("hello\n")))
      const entry = yield* consul.get("jobforge-service/logs/team/a/build-1/stdout.0")
      assert.strictEqual(text(gunzipSync(Option.getOrThrow(entry).value)), "hello\n")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("notes what a log weighs, and when it came first", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* LogArchive
      const entry = Effect.map(consul.get(keys.logEntry("a", "build-1", "stderr")), (found) =>
        Option.getOrThrow(Option.flatMap(found, ({ value }) => decodeLogEntry(value)))
      )
      const content = boundLog(yield* noise(1_000_000))
      yield* archive.write("a", "build-1", "stderr", content)
      const first = yield* entry
      const { value } = yield* consul.list(keys.logsOf("a", "build-1", "stderr"))
      const stored = value.reduce((sum, piece) => sum + piece.value.length, 0)
      assert.deepInclude(first, { stored, pieces: value.length, bytes: 1_000_000, truncated: false })
      assert.strictEqual(yield* archive.written, stored)
      yield* Effect.sleep("5 millis")
      yield* archive.write("a", "build-1", "stderr", content)
      assert.deepStrictEqual(yield* entry, first)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("leaves nothing of a longer earlier try behind a shorter one", () =>
    Effect.gen(function* () {
      const archive = yield* LogArchive
      yield* archive.write("a", "build-1", "stdout", boundLog(yield* noise(1_200_000)))
      yield* archive.write("a", "build-1", "stdout", boundLog(Buffer.from("short")))
      assert.strictEqual(text(yield* archive.read("a", "build-1", "stdout")), "short")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("counts a log of which a piece is missing as not archived", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* LogArchive
      yield* archive.write("a", "build-1", "stdout", boundLog(yield* noise(900_000)))
      yield* consul.delete(keys.logPiece("a", "build-1", "stdout", 1))
      assert.isTrue(Option.isNone(yield* archive.find("a", "build-1", "stdout")))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("has nothing for a log that was empty or never was, and says so of a damaged one", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* LogArchive
      yield* archive.write("a", "build-1", "stdout", boundLog(new Uint8Array()))
      assert.lengthOf(yield* archive.read("a", "build-1", "stdout"), 0)
      assert.isTrue(Option.isNone(yield* archive.find("a", "build-1", "stdout")))
      assert.lengthOf((yield* consul.keys(keys.logIndex)).value, 0)
      yield* consul.put(keys.logPiece("a", "build-2", "stdout", 0), "garbage")
      const error = yield* Effect.flip(archive.read("a", "build-2", "stdout"))
      assert.strictEqual(error._tag, "Invalid")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})
