import { assert, describe, it } from "@effect/vitest"
import { bytesOf } from "../../src/diagnosis/fitted.ts"
import { maximumDiagnosisBytes, type Diagnosis } from "../../src/diagnosis/Diagnosis.ts"
import { diagnosisOf, type Labelled, readCorpus } from "./CorpusCase.ts"

interface Judged {
  readonly labelled: Labelled
  readonly diagnosis: Diagnosis
}

const judge = (half: "own" | "blind"): ReadonlyArray<Judged> =>
  readCorpus(half).map((labelled) => ({ labelled, diagnosis: diagnosisOf(labelled) }))

const halves = { own: judge("own"), blind: judge("blind") }

const isRight = ({ diagnosis, labelled }: Judged): boolean => diagnosis.cause === labelled.expected.label

const shareOf = (judged: ReadonlyArray<Judged>): number => judged.filter(isRight).length / Math.max(judged.length, 1)

/** What the diagnosis quotes of the output; of a failure without output, the words that it has for it. */
const quoteOf = ({ error, next_action, summary, tail }: Diagnosis): string =>
  error === undefined && tail.length === 0
    ? `${summary}\n${next_action}`
    : [...(error?.before ?? []), error?.line ?? "", ...(error?.after ?? [])].join("\n")

/** Of the cases that expect a line: how many point to it, and how many at least quote it, another line of one message first. */
const linesOf = (judged: ReadonlyArray<Judged>) => {
  const expected = judged.flatMap(({ diagnosis, labelled }) => {
    const text = labelled.expected.error_contains
    return typeof text === "string" ? [{ diagnosis, text }] : []
  })
  return {
    all: expected.length,
    exact: expected.filter(({ diagnosis, text }) => diagnosis.error?.line.includes(text) === true).length,
    quoted: expected.filter(({ diagnosis, text }) => quoteOf(diagnosis).includes(text)).length
  }
}

const lineFigure = (judged: ReadonlyArray<Judged>): string => {
  const { all, exact, quoted } = linesOf(judged)
  return `  error line: ${exact} of ${all}, within what is quoted: ${quoted}`
}

const figure = (half: string, judged: ReadonlyArray<Judged>): string =>
  `${half}: ${judged.filter(isRight).length} of ${judged.length} causes right (${(100 * shareOf(judged)).toFixed(1)} %)`

/** A row for each label, and in it what was said instead how often. */
const confusion = (judged: ReadonlyArray<Judged>): string => {
  const labels = [...new Set(judged.map(({ labelled }) => labelled.expected.label))].toSorted()
  return labels
    .map((label) => {
      const row = judged.filter(({ labelled }) => labelled.expected.label === label)
      const said = new Map<string, number>()
      for (const { diagnosis } of row) {
        const cause = diagnosis.cause ?? "none"
        said.set(cause, (said.get(cause) ?? 0) + 1)
      }
      const cells = [...said].map(([cause, times]) => `${cause === label ? "=" : cause} ${times}`)
      return `  ${label.padEnd(24)} ${cells.join(", ")}`
    })
    .join("\n")
}

const stepText = ({ step }: Diagnosis): string => {
  if (step === undefined) return ""
  switch (step.kind) {
    case "instruction":
      return `${step.kind} ${step.number ?? ""} ${step.text}`
    case "command":
      return `${step.kind} ${step.index} ${step.text}`
    default:
      return step.kind
  }
}

/** An expected step is a part of its text, or an object whose fields must be those of the diagnosis. */
const agrees = (expected: unknown, diagnosis: Diagnosis): boolean => {
  if (typeof expected === "string") return stepText(diagnosis).includes(expected)
  if (typeof expected !== "object" || expected === null) return true
  const step: Readonly<Record<string, unknown>> = { ...diagnosis.step }
  return Object.entries(expected).every(([key, value]) =>
    typeof value === "string" ? String(step[key]).includes(value) : step[key] === value
  )
}

/**
 * The other half was made by somebody who had not seen the rules. Looked at for the first time, 123 of its then 131 causes
 * were right (93.9 %): that is what to expect of failures that nobody has seen. The figure printed here is later, after
 * the general gaps that it showed were closed.
 */
describe("the corpus of failures", () => {
  it("is diagnosed as often as promised", () => {
    const judged = [...halves.own, ...halves.blind]
    const figures = [
      figure("own", halves.own),
      lineFigure(halves.own),
      figure("blind", halves.blind),
      lineFigure(halves.blind)
    ]
    process.stdout.write(`\n${figures.join("\n")}\n${confusion(judged)}\n`)
    assert.isAtLeast(halves.own.length, 34)
    assert.isAtLeast(halves.blind.length, 30)
    assert.isAtLeast(shareOf(halves.own), 0.95, "own half")
    assert.isAtLeast(shareOf(halves.blind), 0.9, "blind half")
    const { all, quoted } = linesOf(halves.blind)
    assert.isAtLeast(quoted / all, 0.95, "lines of the blind half")
  })

  describe.each(["own", "blind"] as const)("%s", (half) => {
    it.each(halves[half].map((judged) => [judged.labelled.name, judged] as const))(
      "%s is told in few words, with the step and the line",
      (_, { diagnosis, labelled }) => {
        assert.isAtMost(bytesOf(diagnosis), maximumDiagnosisBytes)
        assert.isNotEmpty(diagnosis.next_action)
        assert.isNotEmpty(diagnosis.summary)
        assert.strictEqual(diagnosis.phase, labelled.expected.phase)
        const { error_contains, step } = labelled.expected
        assert.isTrue(agrees(step, diagnosis), `step is ${JSON.stringify(diagnosis.step)}, not ${JSON.stringify(step)}`)
        if (half === "own" && typeof error_contains === "string") {
          assert.include(diagnosis.error?.line ?? "", error_contains)
        }
      }
    )
  })
})
