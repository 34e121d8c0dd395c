import { Schema } from "effect"

/** Lines that were written one after the other, of which the last ones matter most. */
export interface LineBlock {
  /** Stands before them, whatever is left of them. */
  readonly header: ReadonlyArray<string>
  readonly lines: ReadonlyArray<string>
  /** Begins the mark that stands where lines were left out, as the lines themselves begin. */
  readonly prefix: string
}

export interface FittedLines {
  readonly blocks: ReadonlyArray<ReadonlyArray<string>>
  readonly truncated: boolean
}

/**
 * The ends of all blocks within so many bytes of JSON together. Short blocks stay whole, and what they leave over goes to the
 * long ones; where something is missing, a line says so.
 */
export const fitLines = (blocks: ReadonlyArray<LineBlock>, bytes: number): FittedLines => {
  const sizes = blocks.map(({ header, lines }) => sizeOf(header) + sizeOf(lines))
  const shares = sharesOf(sizes, bytes)
  const fitted = blocks.map((block, at) => ends(block, sizes[at] ?? 0, shares[at] ?? 0))
  return { blocks: fitted, truncated: sizes.some((size, at) => size > (shares[at] ?? 0)) }
}

/** The smallest first: what it doesn't need is shared by the others. */
const sharesOf = (sizes: ReadonlyArray<number>, bytes: number): ReadonlyArray<number> => {
  const shares = sizes.map(() => 0)
  let left = bytes
  const inOrder = sizes.map((size, at) => ({ at, size })).toSorted((a, b) => a.size - b.size)
  for (const [rank, { at, size }] of inOrder.entries()) {
    const share = Math.min(size, Math.floor(left / (inOrder.length - rank)))
    shares[at] = share
    left -= share
  }
  return shares
}

const ends = ({ header, lines, prefix }: LineBlock, size: number, share: number): ReadonlyArray<string> => {
  if (size <= share) return [...header, ...lines]
  const room = share - sizeOf(header) - markBytes - sizeOf([prefix])
  // No room for anything that would be worth its mark.
  if (room <= 0) return []
  let used = 0
  let first = lines.length
  for (let at = lines.length - 1; at >= 0; at--) {
    used += sizeOf([lines[at] ?? ""])
    if (used > room) break
    first = at
  }
  const mark = `${prefix}[what came before this was left out]`
  if (first < lines.length) return [...header, mark, ...lines.slice(first)]
  // A single line that doesn't fit: its end. A character has at most six bytes in JSON.
  const last = `${prefix}…${(lines.at(-1) ?? "").slice(prefix.length).slice(-Math.floor(room / 6))}`
  return [...header, mark, last]
}

/** Bytes that a mark has beside its prefix, quotes and comma included. */
const markBytes = 44

const sizeOf = (lines: ReadonlyArray<string>): number =>
  lines.reduce((sum, line) => sum + Buffer.byteLength(encodeText(line)) + 1, 0)

const encodeText = Schema.encodeSync(Schema.parseJson(Schema.String))
