import { isBlank } from "./Automaton.ts"

/** The part of a stream that is still needed, addressed by where its bytes stand in the whole. */
export class Input {
  /** Where what is held begins. */
  base = 0
  private held = new Uint8Array(0)
  private length = 0

  /** Byte `n` of the stream is `bytes[n - base]`. Valid until the next piece is added. */
  get bytes(): Uint8Array {
    return this.held
  }

  get end(): number {
    return this.base + this.length
  }

  add(piece: Uint8Array): void {
    const length = this.length + piece.length
    if (length > this.held.length) {
      const larger = new Uint8Array(Math.max(length, this.held.length * 2))
      larger.set(this.held.subarray(0, this.length))
      this.held = larger
    }
    this.held.set(piece, this.length)
    this.length = length
  }

  /** Forgets what stands before. */
  drop(before: number): void {
    const count = before - this.base
    const rest = this.length - count
    // What one large piece needed isn't kept for the small ones.
    if (this.held.length > mostKept && rest < mostKept) this.held = this.held.slice(count, this.length)
    else this.held.copyWithin(0, count, this.length)
    this.base = before
    this.length = rest
  }

  view(from: number, to: number): Uint8Array {
    return this.held.subarray(from - this.base, to - this.base)
  }

  slice(from: number, to: number): Uint8Array {
    return this.held.slice(from - this.base, to - this.base)
  }

  /** Each byte as the character of its number: positions in it are positions in the bytes. */
  text(from: number, to: number): string {
    return this.buffer().toString("latin1", from - this.base, to - this.base)
  }

  includes(text: string): boolean {
    return this.buffer().includes(text, 0, "latin1")
  }

  /** -1: there is none between the two. */
  indexOf(byte: number, from: number, to: number): number {
    const found = this.view(from, Math.min(to, this.end)).indexOf(byte)
    return found === -1 ? -1 : found + from
  }

  /** -1: there is none that is held, at this place or before. */
  lastIndexOf(byte: number, from: number): number {
    const found = from < this.base ? -1 : this.held.lastIndexOf(byte, from - this.base)
    return found === -1 ? -1 : found + this.base
  }

  /** Behind the last blank between the two, or the second of them when there is none. */
  afterBlank(from: number, to: number): number {
    for (let at = to; at > from; at--) if (isBlank(this.held[at - 1 - this.base] ?? 0)) return at
    return to
  }

  /** Where the last `count` bytes before `end` begin, blanks not counted. */
  back(end: number, count: number): number {
    let left = count
    let at = end
    while (left > 0 && at > this.base) {
      at -= 1
      if (!isBlank(this.held[at - this.base] ?? 0)) left -= 1
    }
    return at
  }

  private buffer(): Buffer {
    return Buffer.from(this.held.buffer, this.held.byteOffset, this.length)
  }
}

const mostKept = 256 * 1024
