import { type Diagnosis, maximumDiagnosisBytes } from "./Diagnosis.ts"

/** Cuts a diagnosis to what one may weigh. What goes first is what helps least: the tail's beginning, then the context. */
export const fitted = (diagnosis: Diagnosis): Diagnosis => {
  const trimmed = withShortTexts(diagnosis)
  let fit = trimmed
  while (bytesOf(fit) > maximumDiagnosisBytes) {
    const less = smaller(fit)
    if (less === undefined) break
    fit = { ...less, truncated: true }
  }
  return fit
}

export const bytesOf = (diagnosis: Diagnosis): number => encoder.encode(JSON.stringify(diagnosis)).length

const encoder = new TextEncoder()

/** Characters. With what JSON and UTF-8 make of them, all but the tail and the context stays below the limit. */
const most = { id: 260, summary: 300, text: 400, line: 500, context: 240, next: 500 }

const withShortTexts = (diagnosis: Diagnosis): Diagnosis => {
  const cuts = { any: false }
  const short = (text: string, length: number): string => {
    if (text.length <= length) return text
    cuts.any = true
    return `${whole(text.slice(0, length - 1))}…`
  }
  const lines = (texts: ReadonlyArray<string>) => texts.map((text) => short(text, most.context))
  const { error, step } = diagnosis
  const fitting: Diagnosis = {
    ...diagnosis,
    job_id: short(diagnosis.job_id, most.id),
    summary: whole(
      diagnosis.summary.length <= most.summary ? diagnosis.summary : `${diagnosis.summary.slice(0, most.summary - 1)}…`
    ),
    ...(step === undefined ? {} : { step: "text" in step ? { ...step, text: short(step.text, most.text) } : step }),
    ...(error === undefined
      ? {}
      : {
          error: {
            ...error,
            line: short(error.line, most.line),
            before: lines(error.before),
            after: lines(error.after)
          }
        }),
    tail: lines(diagnosis.tail),
    next_action: short(diagnosis.next_action, most.next)
  }
  return { ...fitting, truncated: diagnosis.truncated || cuts.any }
}

/** Half of a surrogate pair is no text. */
const whole = (text: string): string => text.replaceAll(/\p{Cs}/gu, "")

const smaller = (diagnosis: Diagnosis): Diagnosis | undefined => {
  const { error, tail } = diagnosis
  if (tail.length > 5) return { ...diagnosis, tail: tail.slice(1) }
  if (error !== undefined && error.after.length + error.before.length > 0) {
    return {
      ...diagnosis,
      error: { ...error, before: error.before.slice(1), after: error.after.slice(0, -1) }
    }
  }
  return tail.length > 0 ? { ...diagnosis, tail: tail.slice(1) } : undefined
}
