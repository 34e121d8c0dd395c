import { shownLine } from "../../diagnosis/shownLine.ts"

/**
 * Somebody else's text as one line that can't steer a terminal, nor show its characters in another order than they have.
 */
export const plainText = (text: string): string =>
  shownLine(text.replaceAll(lineEnds, " ").trimEnd()).replaceAll(reorderings, "")

/** A line of a job's log; the mark of its stream stays, whatever the line does with its own beginning. */
export const plainLogLine = (message: string): string => {
  const mark = streamMark.exec(message)?.[0] ?? ""
  return mark + shownLine(message.slice(mark.length)).replaceAll(reorderings, "")
}

/** A log line without the mark of its stream. */
export const withoutStreamMark = (message: string): string => message.replace(streamMark, "")

const lineEnds = /[\r\n\u0085\u2028\u2029]+/g

/** Bidirectional controls and the marks of direction. */
const reorderings = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Zl}|\p{Zp}/gu

const streamMark = /^\[[\w.-]{1,64}\/(?:stdout|stderr)\] /
