import { type Rule, rank, rule } from "../Rule.ts"

const { explicit, specific, summary } = rank

/** Assertions and the summaries of test runners. */
export const testRules: ReadonlyArray<Rule> = [
  rule(
    "assertion-failed",
    explicit,
    /^\s*error: ['"].{0,200}(?:[!=]==?|deeply?[- ]equal|strictly|The expression evaluated to a falsy value)/i
  ),
  // What node:test adds to the message says less than the message.
  rule("assertion-failed", explicit - 2, /ERR_ASSERTION|^\s*name: 'AssertionError'/),
  rule(
    "assertion-failed",
    explicit,
    /(?<!name: ')\bAssertionError\b|\bAssertionFailedError\b|\bAssertionError \[|Expected values to be|assertion `?.{0,60}`? failed|Assertion [`'"].{1,200}[`'"] failed|assertion failed\b|Assertion failed|^E +assert\b|java\.lang\.AssertionError|ExpectationNotMetError|ComparisonFailure|PHPUnit\\Framework\\Expect|AssertionException/i
  ),
  rule(
    "assertion-failed",
    explicit - 1,
    /expect\(.{0,80}\)\.(?:not\.)?to|\bExpected:? .{0,80}(?:\bReceived|\bActual|\bbut (?:got|was|found)|, got\b|; got\b|\bgot:? )|expected:? ?<.{0,100}> but was|Failure\/Error:|Failed asserting that|to equal|Should (?:be (?:true|false|equal|empty|nil|zero)|equal)\b|\bwant(?:ed)? .{1,80},? got\b|\bgot .{1,80},? (?:want|expected)|[=:] .{1,80}[,;] want(?:ed)? \S|not equal: ?$|Not equal: |Error Trace:|actual +: |The input did not match|Expected inputs to be|Values have same structure/i
  ),
  rule(
    "assertion-failed",
    specific - 4,
    /^\s*--- FAIL: (?<test>\S{1,150})/,
    "Mend what the test {test} checks, or its expectation: the lines below it say how they differ."
  ),
  rule(
    "assertion-failed",
    specific - 5,
    /^\s*(?:FAIL(?:ED|URE)?|TEST FAILED|not ok)\b ?[:!-] ?\S|^(?:not equal|mismatch)\b|^(?:check|test|assert\w{0,10}|verification|smoke test)\b.{0,60}\bfailed\b|(?:does(?: not|n't) match|differs? from) (?:the )?expected|unexpected (?:output|value|result|response|status|content)\b|expected .{1,100} (?:but )?(?:got|was|found|not|in)\b|^(?:FAIL|FAILED)$|\bexpected\b.{0,80}\bactual\b/i
  ),
  rule(
    "assertion-failed",
    summary,
    /^(?:FAIL|FAILED|ERROR)(?:ED)?\s+\S|^FAILED \(|^\s*not ok \d+|^# fail [1-9]|^ℹ fail [1-9]|\b[1-9]\d* fail(?:ed|ing|ures?)\b|Tests?:? .{0,60}[1-9]\d* fail|^\s*[✖✗×] |test result: FAILED|There (?:was|were) \d+ failures?|Failures: [1-9]|There are test failures|failures?=[1-9]|tests? failed|Some tests failed|^FAIL:|\d+ examples?, [1-9]\d* failures?|^Failed tests:|code: 'ERR_TEST_FAILURE'/i,
    "Mend what the failing test checks, or its expectation: the lines around it say how they differ."
  )
]
