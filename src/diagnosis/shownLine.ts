/**
 * A line of output as a terminal would show it in the end: no colours, and of a progress bar its last state. Nothing is
 * left in it that steers a terminal. `bounded` shortens what is too long to be looked at whole.
 */
export const shownLine = (raw: string, bounded: (line: string) => string = (line) => line): string => {
  const line = bounded(raw.includes("\r") ? lastState(raw) : raw)
  return unusual.test(line) ? line.replaceAll(escapes, "").replaceAll(controls, "").trimEnd() : line.trimEnd()
}

/** What stands after the last carriage return that something follows. */
const lastState = (raw: string): string => {
  const end = raw.trimEnd()
  return end.slice(end.lastIndexOf("\r") + 1)
}

const escape = String.fromCharCode(27)
const bell = String.fromCharCode(7)

/** Control sequences, operating system commands (titles, links) and two-character escapes. */
const escapes = new RegExp(
  `${escape}(?:\\[[0-9;:?<=>]*[ -/]*[@-~]|\\][^${bell}${escape}]*(?:${bell}|${escape}\\\\)?|[ -Z\\\\^_\`a-z])`,
  "g"
)

/** Control characters but for the tab, and halves of surrogate pairs: nothing that a terminal or a parser could take amiss. */
const unusual = /[^\P{Cc}\t]|\p{Cs}/u
const controls = /[^\P{Cc}\t]|\p{Cs}/gu
