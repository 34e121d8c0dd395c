/**
 * A line of somebody else's output for a terminal: its colours stay, everything else that steers the terminal is shown as
 * a sign. A log must not be able to rewrite the screen, the window's title or the clipboard.
 */
export const safeLine = (line: string): string => {
  const shown = line.replaceAll(unsafe, (sign) => (colour.test(sign) ? sign : pictureOf(sign)))
  return shown.includes("\u001b") ? `${shown}\u001b[0m` : shown
}

// A whole colour sequence, or any control character but the tab.
// oxlint-disable-next-line no-control-regex
const unsafe = /\u001b\[[0-9;:]*m|[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
// oxlint-disable-next-line no-control-regex
const colour = /^\u001b\[[0-9;:]*m$/

const pictureOf = (sign: string): string => {
  const code = sign.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  return code === 0x7f ? "\u2421" : "\ufffd"
}
