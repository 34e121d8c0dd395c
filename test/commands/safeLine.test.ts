import { assert, describe, it } from "@effect/vitest"
import { safeLine } from "../../src/commands/safeLine.ts"

const esc = "\u001b"

describe("a log line for a terminal", () => {
  it("keeps its colours, and ends them", () => {
    assert.strictEqual(safeLine(`${esc}[31mred`), `${esc}[31mred${esc}[0m`)
  })

  it("stays as it is where nothing in it steers a terminal", () => {
    for (const line of ["", "plain", "tab\there", "ünïcödé 漢字 👩‍💻"]) assert.strictEqual(safeLine(line), line)
  })

  it("can't move the cursor, set the title, write to the clipboard or hide text", () => {
    const hostile = [
      `${esc}[2J`,
      `${esc}]0;title\u0007`,
      `${esc}]52;c;ZXZpbA==\u0007`,
      "a\rb",
      "a\bb",
      "\u009b2J",
      "\u202eevil"
    ]
    for (const line of hostile) {
      const shown = safeLine(line)
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(shown, /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e]/)
    }
  })
})
