/** What is kept of one stream's output. */
export interface BoundedLog {
  /** The whole, or head and tail with a mark between them. */
  readonly kept: Uint8Array
  /** Of the whole output, as far as it was looked at. */
  readonly bytes: number
  /** Its middle was cut out. */
  readonly truncated: boolean
}

/** Takes output piece by piece and never holds more than what is kept of it. */
export interface LogWindow {
  readonly add: (piece: Uint8Array) => void
  /**
   * What follows stands an unknown distance behind what was added so far: all but the tail is dropped. So is the rest of the
   * line that it begins in, which may be the rest of a secret that nobody recognises by its end alone.
   */
  readonly leap: () => void
  readonly end: () => BoundedLog
}

/** Bytes of one stream that are kept: errors stand at the end, what led to them at the beginning. */
export const headKept = 1024 * 1024
export const tailKept = 3 * 1024 * 1024

export const boundLog = (content: Uint8Array): BoundedLog => {
  const window = makeLogWindow()
  window.add(content)
  return window.end()
}

/** Bytes within which a line must end to be one: what has no lines is kept as it comes. */
const longestRest = 64 * 1024
const newline = 10

export const makeLogWindow = (): LogWindow => {
  const head: Array<Uint8Array> = []
  let tail: Array<Uint8Array> = []
  let headBytes = 0
  let tailBytes = 0
  let bytes = 0
  let leapt = false
  let inLine = false

  const addToTail = (piece: Uint8Array) => {
    tail.push(piece)
    tailBytes += piece.length
    for (let first = tail[0]; first !== undefined && tailBytes - first.length >= tailKept; first = tail[0]) {
      tail.shift()
      tailBytes -= first.length
    }
  }

  const addRest = (piece: Uint8Array) => {
    inLine = piece.length === 0
    addToTail(piece.subarray(piece.subarray(0, longestRest).indexOf(newline) + 1))
  }

  return {
    add: (piece) => {
      bytes += piece.length
      if (inLine) return addRest(piece)
      const forHead = piece.subarray(0, leapt ? 0 : headKept - headBytes)
      if (forHead.length > 0) head.push(forHead)
      headBytes += forHead.length
      if (forHead.length < piece.length) addToTail(piece.subarray(forHead.length))
    },
    leap: () => {
      leapt = true
      inLine = true
      tail = []
      tailBytes = 0
    },
    end: () => {
      const end = Buffer.concat(tail).subarray(-tailKept)
      const cut = bytes - headBytes - end.length
      if (cut === 0 && !leapt) return { kept: Buffer.concat([...head, end]), bytes, truncated: false }
      const mark = `\n[${leapt ? "more than " : ""}${cut} bytes were cut out here]\n`
      return { kept: Buffer.concat([...head, Buffer.from(mark), end]), bytes, truncated: true }
    }
  }
}
