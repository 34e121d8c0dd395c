/** Cuts output that arrives in pieces into lines. Where a piece ends makes no difference to the lines. */
export interface LineCutter {
  /** Each with its newline. What is longer than `longestLine` comes in several parts, of which the last has it. */
  readonly add: (piece: Uint8Array) => ReadonlyArray<Uint8Array>
  /** What came after the last newline. */
  readonly rest: () => Uint8Array
}

/** Bytes of a line that are held and sent as one: a reader of a log without newlines must not cost its whole size. */
export const longestLine = 64 * 1024

export const makeLineCutter = (): LineCutter => {
  let rest: Uint8Array = new Uint8Array()
  return {
    add: (piece) => {
      const all = rest.length === 0 ? asBuffer(piece) : Buffer.concat([rest, piece])
      const lines: Array<Uint8Array> = []
      let start = 0
      for (;;) {
        const end = lineEnd(all, start)
        if (end === undefined) break
        lines.push(all.subarray(start, end))
        start = end
      }
      // A copy: a view of a few bytes would keep the whole piece.
      rest = Uint8Array.prototype.slice.call(all, start)
      return lines
    },
    rest: () => rest
  }
}

/** Without the newline. */
export const lineText = (bytes: Uint8Array): string => {
  const end = bytes.at(-1) === newline ? bytes.length - 1 : bytes.length
  return decoder.decode(bytes.subarray(0, bytes[end - 1] === carriageReturn ? end - 1 : end))
}

const newline = 10
const carriageReturn = 13
const decoder = new TextDecoder()

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Behind the line that begins at `start`; none when it is not whole yet. */
const lineEnd = (all: Buffer, start: number): number | undefined => {
  const end = all.indexOf(newline, start) + 1
  const whole = end > 0 ? end : all.length
  if (whole - start > longestLine) return characterStart(all, start + longestLine)
  return end > 0 ? end : undefined
}

/** At or a little before `at`, where no character of UTF-8 is torn. */
const characterStart = (all: Buffer, at: number): number => {
  for (let cut = at; cut > at - 4; cut--) {
    if (((all[cut] ?? 0) & 0xc0) !== 0x80) return cut
  }
  return at
}
