/** How a text is meant, as far as colour can say it. */
export type Tone = "good" | "bad" | "busy" | "odd" | "dim" | "strong" | "plain"

/** The text in its tone, or as it is. */
export const toned = (colour: boolean, tone: Tone, text: string): string => {
  const code = codes[tone]
  return colour && code !== "" && text !== "" ? `${escape}[${code}m${text}${escape}[0m` : text
}

const escape = String.fromCharCode(27)

/** Of the sixteen colours that every theme sets for its own background. */
const codes: Readonly<Record<Tone, string>> = {
  good: "32",
  bad: "31",
  busy: "36",
  odd: "33",
  dim: "2",
  strong: "1",
  plain: ""
}
