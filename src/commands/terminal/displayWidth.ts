/** Columns that a text takes in a terminal, the sequences that colour it not counted. */
export const displayWidth = (text: string): number => {
  if (printableAscii.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text.replaceAll(colourSequence, ""))) width += graphemeWidth(segment)
  return width
}

/** At most so many columns of a text; what is left out shows as `…`. */
export const clip = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) return text
  if (columns < 1) return ""
  let shown = ""
  let left = columns - 1
  for (const part of text.split(colourSequences)) {
    if (part.startsWith(escape)) {
      shown += part
      continue
    }
    for (const { segment } of graphemes.segment(part)) {
      left -= graphemeWidth(segment)
      if (left < 0) return `${shown}…${text.includes(escape) ? `${escape}[0m` : ""}`
      shown += segment
    }
  }
  return shown
}

/** Blanks up to this width at its end. */
export const padded = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - displayWidth(text)))

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })

const escape = String.fromCharCode(27)
const colourSequence = new RegExp(`${escape}\\[[0-9;:]*m`, "g")
const colourSequences = new RegExp(`(${escape}\\[[0-9;:]*m)`)

const printableAscii = /^[ -~]*$/

const graphemeWidth = (grapheme: string): number => {
  if (printableAscii.test(grapheme)) return grapheme.length
  if (unseen.test(grapheme)) return 0
  // A sound mark of half a column stands behind its letter, not on it.
  const marks = grapheme.length > 1 ? (grapheme.slice(1).match(halfMarks)?.length ?? 0) : 0
  return marks + (isWide(grapheme) ? 2 : 1)
}

const isWide = (grapheme: string): boolean =>
  grapheme.includes(emojiPresentation) || (wide.test(grapheme) && !half.test(grapheme))

const emojiPresentation = "\ufe0f"

/** Controls, marks without a letter, and the vowels and finals of Hangul, which join the syllable before them. */
const unseen = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7fb]+$/u

/**
 * What Unicode's East Asian Width calls wide or fullwidth, said in properties that the runtime keeps up to date; the scripts
 * bring their narrow letters with them.
 */
const wide = new RegExp(
  [
    "^[\\p{Emoji_Presentation}\\p{sc=Han}\\p{sc=Hangul}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Bopomofo}\\p{sc=Yi}",
    "\\p{sc=Tangut}\\p{sc=Nushu}\\p{sc=Khitan_Small_Script}\\u2329\\u232a\\u2ff0-\\u303e\\u3099-\\u3247\\u3250-\\u33ff",
    "\\ufe10-\\ufe19\\ufe30-\\ufe6b\\uff01-\\uff60\\uffe0-\\uffe6\\u{1aff0}-\\u{1affe}\\u{1f200}-\\u{1f265}",
    "\\u{20000}-\\u{3fffd}]"
  ].join(""),
  "u"
)

const half = /^[\u02ea\u02eb\uff61-\uffdc]/
const halfMarks = /[\uff9e\uff9f]/g
