import { assert, describe, it } from "@effect/vitest"
import { plainLogLine, plainText, withoutStreamMark } from "../../../src/commands/terminal/plainText.ts"

describe("plainText", () => {
  it.each([
    ["plain", "plain"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;owned\u0007title", "title"],
    ["\u001b]52;c;ZWNobyBoaQ==\u001b\\clipboard", "clipboard"],
    ["\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007", "link"],
    ["up\u001b[10Aand\u001b[2Jaway", "upandaway"],
    ["\u001b", ""],
    ["\u009b2Jc1", "2Jc1"],
    ["bell\u0007 back\bspace\u007f", "bell backspace"],
    ["two\nlines\r\nthree", "two lines three"],
    ["abc\u202edcba\u2066x", "abcdcbax"],
    ["\u001bcreset", "reset"]
  ])("of %j is %j", (text, plain) => {
    assert.strictEqual(plainText(text), plain)
  })

  it("leaves no control character of any kind but the tab", () => {
    const all = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join("x")
    assert.notMatch(plainText(all).replaceAll("\t", ""), /\p{Cc}/u)
  })
})

describe("plainLogLine", () => {
  it("keeps the stream's mark before the last state of a progress bar", () => {
    assert.strictEqual(plainLogLine("[main/stderr] 10%\r 50%\r\u001b[2K100%\r"), "[main/stderr] 100%")
    assert.strictEqual(withoutStreamMark("[main/stdout] built"), "built")
  })

  it("takes nothing else for such a mark", () => {
    assert.strictEqual(withoutStreamMark("[stage-1/3] RUN make"), "[stage-1/3] RUN make")
  })
})
