import { assert, describe, it } from "@effect/vitest"
import { displayWidth } from "../../../src/commands/terminal/displayWidth.ts"
import { frameOf, type Size } from "../../../src/commands/terminal/frameChange.ts"
import { renderSummary, renderWatched } from "../../../src/commands/watch/renderWatched.ts"
import { take, type Watched } from "../../../src/commands/watch/Watched.ts"
import { attempt, clock, failed, job, logEvent, queued, ran, testing, watched } from "./watchedJobs.ts"

const talk = [
  logEvent("\u001b[32mPASS\u001b[0m src/日本語.test.ts (👩‍💻 12 assertions)"),
  logEvent("10%\r50%\r100%"),
  logEvent("\u001b]0;owned\u0007\u001b[2Jstill here\ttabbed", { test: 0 }),
  logEvent("x".repeat(300)),
  logEvent("", { level: "WARN", message: "[some output on stdout was rotated away]", test: "entry-point" })
]

const shown = (view: Watched, columns: number, rows: number): string =>
  frameOf({ columns, rows }, renderWatched(view, { columns, rows }, false)).lines.join("\n")

const golden = (text: string): string => text.replaceAll(/^\n|\n$/g, "")

const rule = (columns: number): string => `── log ${"─".repeat(columns - 7)}`

describe("renderWatched", () => {
  it("shows phases, attempts, each test, their durations and the newest lines at 80 columns and 24 rows", () => {
    assert.strictEqual(
      shown(watched(testing, 75, talk), 80, 24),
      golden(`
🧪 TESTING 1m15s  team/web (3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e)
registry.example.com:5000/team/web from https://git.example.com/team/web.git at…

✅ build        1m2s  attempt 2, on node-7
🧪 test           9s  1 of 3 passed
   ✅             4s  npm test  on node-7
   🧪             8s  npm run 検査  on node-7
   ⏳                 entry point  no node has 4096 MiB free
⬜ publish

Ctrl-C stops watching; the job goes on.
${rule(80)}
test 1      PASS src/日本語.test.ts (👩‍💻 12 assertions)
test 1      100%
test 0      still here  tabbed
test 1      ${"x".repeat(67)}…
entry point [some output on stdout was rotated away]
`)
    )
  })

  it("needs every column for the lines themselves at 40 columns", () => {
    assert.strictEqual(
      shown(watched(testing, 75, talk), 40, 24),
      golden(`
🧪 TESTING 1m15s  team/web (3f2c8f0e-7f…
registry.example.com:5000/team/web from…

✅ build        1m2s  attempt 2, on nod…
🧪 test           9s  1 of 3 passed
   ✅             4s  npm test  on node…
   🧪             8s  npm run 検査  on …
   ⏳                 entry point  no n…
⬜ publish

Ctrl-C stops watching; the job goes on.
${rule(40)}
PASS src/日本語.test.ts (👩‍💻 12 assertio…
100%
still here  tabbed
${"x".repeat(39)}…
[some output on stdout was rotated away]
`)
    )
  })

  it("cuts nothing that fits in 200 columns", () => {
    const text = shown(watched(testing, 75, talk), 200, 24)
    assert.include(text, "\nregistry.example.com:5000/team/web from https://git.example.com/team/web.git at main\n")
    assert.include(text, `\n${rule(200)}\n`)
    assert.include(text, `\ntest 1      ${"x".repeat(187)}…\n`)
    assert.strictEqual(text.match(/…/g)?.length, 1)
  })

  it.each([
    [40, "🧪 TESTING 1m15s  team/web (3f2c8f0e-7f…", "✅ build        1m2s  attempt 2, on nod…", ""],
    [
      80,
      "🧪 TESTING 1m15s  team/web (3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e)",
      "✅ build        1m2s  attempt 2, on node-7",
      "entry point "
    ],
    [
      200,
      "🧪 TESTING 1m15s  team/web (3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e)",
      "✅ build        1m2s  attempt 2, on node-7",
      "entry point "
    ]
  ])("keeps the phases and the newest line in 6 rows of %d columns", (columns, title, build, label) => {
    assert.strictEqual(
      shown(watched(testing, 75, talk), columns, 6),
      golden(`
${title}
${build}
🧪 test           9s  1 of 3 passed
⬜ publish
${rule(columns)}
${label}[some output on stdout was rotated away]
`)
    )
  })

  it("shows the position in the queue and who is before it, in the narrowest window, too", () => {
    assert.strictEqual(
      shown(watched(queued, 15), 40, 6),
      golden(`
⏳ PENDING 15s  team/web (3f2c8f0e-7f0b…
⬜ build
⬜ test
⬜ publish
⏳ Position 2 for 12s: team/api (job 77…
`)
    )
    assert.include(
      shown(watched(queued, 15), 80, 24),
      "\n⏳ Position 2 for 12s: team/api (job 77) holds the same image\n"
    )
  })

  it("shows of many tests first those that matter", () => {
    const commands = Array.from({ length: 40 }, (_, index) => `make check-${index}`)
    const state = job({
      status: "TESTING",
      phase: "test",
      config: { ...configOf(), test: { commands } },
      attempts: commands.map((_, index) =>
        attempt("test", { ...ran(1, index < 30 ? 2 : undefined), test: { kind: "command", index } })
      )
    })
    assert.strictEqual(
      shown(watched(state, 60, talk), 40, 16)
        .split("\n")
        .slice(1, 9)
        .join("\n"),
      golden(`
⬜ build
🧪 test               30 of 40 passed
   🧪            59s  make check-30  on…
   🧪            59s  make check-31  on…
   🧪            59s  make check-32  on…
   🧪            59s  make check-33  on…
                      and 6 more
⬜ publish
`)
    )
  })

  it("says what is tried again, what is stopping, and that the service doesn't answer", () => {
    const lost = job({
      status: "BUILDING",
      phase: "build",
      stopping: { reason: "Cancelled", message: "Job killed by user" },
      attempts: [
        attempt("build", {
          ...ran(1, 3),
          result: "failed",
          infrastructure: true,
          message: "the node\nwas lost\u001b[2J"
        })
      ]
    })
    const view = take(watched(lost, 9), { kind: "trouble", trouble: "no answer; asking again" })
    const lines = shown(view, 80, 24).split("\n")
    assert.include(lines, "🔁 build              is tried again, the node was lost")
    assert.include(lines, "🛑 Job killed by user")
    assert.include(lines, "❗ no answer; asking again")
    assert.notInclude(shown(take(view, { kind: "state", state: lost }), 80, 24), "no answer")
  })

  it("fits into any window, in colour and without", () => {
    const views = [watched(testing, 75, talk), watched(queued, 15), watched(failed, 99, talk), watched(job(), 0, talk)]
    for (const view of views) {
      for (const columns of [1, 2, 7, 20, 40, 59, 60, 80, 200]) {
        for (const rows of [1, 2, 3, 4, 5, 6, 9, 10, 11, 24, 60]) {
          const size: Size = { columns, rows }
          const plain = frameOf(size, renderWatched(view, size, false)).lines
          const coloured = frameOf(size, renderWatched(view, size, true)).lines
          assert.isAtMost(Math.max(...plain.map(displayWidth)), columns)
          assert.deepStrictEqual(coloured.map(uncoloured), plain)
        }
      }
    }
  })

  it("has no row for phases that a job without tests doesn't have", () => {
    const state = job({ config: { ...configOf(), test: undefined }, attempts: [attempt("build", ran(1, 9))] })
    assert.deepStrictEqual(shown(watched(state, 9), 80, 24).split("\n").slice(3, 5), [
      "✅ build              on node-7",
      ""
    ])
  })

  it("goes on counting while nothing is told, and never backwards", () => {
    const view = watched(testing, 75)
    const later = take(view, { kind: "tick", now: clock(76) })
    assert.include(shown(later, 80, 24), "🧪 test          10s")
    const early = take(view, { kind: "tick", now: clock(0) })
    assert.include(shown(early, 80, 24), "🧪 test           0s")
  })
})

describe("renderSummary", () => {
  it("leaves what became of each step, whatever the window's height was", () => {
    assert.deepStrictEqual(renderSummary(watched(failed, 500), false), [
      "❌ FAILED 1m21s  team/web (3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e)",
      "registry.example.com:5000/team/web from https://git.example.com/team/web.git at main",
      "✅ build        1m2s  on node-7",
      "❌ test          14s  2 of 3 passed",
      "   ✅             4s  npm test  on node-7",
      "   ❌            13s  npm run 検査  exit code 3",
      "   ✅             4s  entry point  on node-7",
      "⬜ publish            not run"
    ])
  })
})

const configOf = () => {
  const { config } = job()
  if (config === undefined) throw new Error("a job of these has a configuration")
  return config
}

// oxlint-disable-next-line no-control-regex
const uncoloured = (line: string): string => line.replaceAll(/\u001b\[[0-9;]*m/g, "")
