/**
 * Many byte strings searched at once in one walk over the text (Aho–Corasick), whatever the strings and the text are: time
 * is linear, since whoever wrote the log may know the secret and would choose both to be slow together.
 */
export interface Automaton {
  /** Starts over at a text's beginning. */
  readonly scanner: () => Scanner
}

export interface Scanner {
  /** Reads `bytes` on from where the last call ended; `found` gets the end of each match and its length, the longest one only. */
  readonly scan: (bytes: Uint8Array, from: number, to: number, found: (end: number, length: number) => void) => void
  /** How many of the bytes that were read last may be the beginning of a match. Skipped ones don't count. */
  readonly open: () => number
}

export interface AutomatonOptions {
  /** Blanks and line breaks between the bytes don't matter: how `base64` and `xxd` wrap what they write. */
  readonly skipsBlanks: boolean
}

export const makeAutomaton = (words: ReadonlyArray<Uint8Array>, { skipsBlanks }: AutomatonOptions): Automaton => {
  const table = tableOf(words)
  return { scanner: () => (skipsBlanks ? blankSkipping(table) : plain(table)) }
}

export const isBlank = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

/** Blanks in a row that a wrapped word may have: a line break and the next line's indentation. */
const mostBlanks = 16

const plain = (table: Table): Scanner => {
  const { ends } = table
  let state = 0
  return {
    scan: (bytes, from, to, found) => {
      for (let at = from; at < to; at++) {
        state = next(table, state, bytes[at] ?? 0)
        const length = ends[state] ?? 0
        if (length !== 0) found(at + 1, length)
      }
    },
    open: () => table.depth[state] ?? 0
  }
}

const blankSkipping = (table: Table): Scanner => {
  const { ends } = table
  let state = 0
  let blanks = 0
  return {
    scan: (bytes, from, to, found) => {
      for (let at = from; at < to; at++) {
        const byte = bytes[at] ?? 0
        if (isBlank(byte)) {
          blanks += 1
          // Otherwise half a word and endless blanks would have to be remembered whole.
          if (blanks > mostBlanks) state = 0
          continue
        }
        blanks = 0
        state = next(table, state, byte)
        const length = ends[state] ?? 0
        if (length !== 0) found(at + 1, length)
      }
    },
    open: () => table.depth[state] ?? 0
  }
}

/**
 * The states in order of their depth, so that a state's children lie side by side and those that are near the root, where
 * nearly all of the time is spent, can have all their transitions written out.
 */
interface Table {
  /** From bytes to the columns of `written`; 0 for a byte that no word has. */
  readonly columns: Uint8Array
  readonly width: number
  /** States whose transitions are written out. */
  readonly rows: number
  readonly written: Int32Array
  readonly firstChild: Int32Array
  readonly children: Uint16Array
  /** The column by which a state is reached. */
  readonly label: Uint8Array
  /** The state of the longest suffix that is also a beginning. */
  readonly fallback: Int32Array
  readonly depth: Int32Array
  /** Length of the longest word that ends here; 0: none. */
  readonly ends: Int32Array
}

/** Enough for the states that ordinary text ever reaches, and small enough for the processor's cache. */
const mostRows = 1024

const next = (table: Table, from: number, byte: number): number => {
  const { columns, fallback, rows, width, written } = table
  const column = columns[byte] ?? 0
  let state = from
  while (state >= rows) {
    const child = childOf(table, state, column)
    if (child !== 0) return child
    state = fallback[state] ?? 0
  }
  return written[state * width + column] ?? 0
}

const childOf = ({ children, firstChild, label }: Table, state: number, column: number): number => {
  const first = firstChild[state] ?? 0
  const end = first + (children[state] ?? 0)
  for (let child = first; child < end; child++) if (label[child] === column) return child
  return 0
}

const tableOf = (words: ReadonlyArray<Uint8Array>): Table => {
  const { columns, width } = columnsOf(words)
  const trie = trieOf(words, columns)
  const states = trie.size
  const table: Table = {
    columns,
    width,
    rows: Math.min(states, mostRows),
    written: new Int32Array(Math.min(states, mostRows) * width),
    firstChild: new Int32Array(states),
    children: new Uint16Array(states),
    label: new Uint8Array(states),
    fallback: new Int32Array(states),
    depth: new Int32Array(states),
    ends: new Int32Array(states)
  }
  arrange(trie, table)
  link(table)
  writeRows(table)
  return table
}

const columnsOf = (words: ReadonlyArray<Uint8Array>) => {
  const columns = new Uint8Array(256)
  let width = 1
  for (const word of words) {
    for (const byte of word) {
      // With all 256 in use the last one would need a column too many: it shares the first, which no UTF-8 text has.
      if (columns[byte] === 0 && width < 256) columns[byte] = width++
    }
  }
  return { columns, width }
}

interface Trie {
  readonly size: number
  readonly child: Int32Array
  readonly sibling: Int32Array
  readonly label: Uint8Array
  readonly ends: Uint8Array
}

const trieOf = (words: ReadonlyArray<Uint8Array>, columns: Uint8Array): Trie => {
  const most = words.reduce((sum, word) => sum + word.length, 1)
  const child = new Int32Array(most)
  const sibling = new Int32Array(most)
  const label = new Uint8Array(most)
  const ends = new Uint8Array(most)
  let size = 1
  const follow = (node: number, column: number): number => {
    for (let at = child[node] ?? 0; at !== 0; at = sibling[at] ?? 0) if (label[at] === column) return at
    const fresh = size++
    label[fresh] = column
    sibling[fresh] = child[node] ?? 0
    child[node] = fresh
    return fresh
  }
  for (const word of words) {
    let node = 0
    for (const byte of word) node = follow(node, columns[byte] ?? 0)
    if (node !== 0) ends[node] = 1
  }
  return { size, child, sibling, label, ends }
}

/** Numbers the trie's nodes level by level. */
const arrange = (trie: Trie, table: Table): void => {
  const order = new Int32Array(trie.size)
  let count = 1
  for (let state = 0; state < count; state++) {
    const node = order[state] ?? 0
    const depth = table.depth[state] ?? 0
    table.ends[state] = trie.ends[node] === 1 ? depth : 0
    table.firstChild[state] = count
    for (let child = trie.child[node] ?? 0; child !== 0; child = trie.sibling[child] ?? 0) {
      table.label[count] = trie.label[child] ?? 0
      table.depth[count] = depth + 1
      order[count++] = child
    }
    table.children[state] = count - (table.firstChild[state] ?? 0)
  }
}

/** A state's fallback lies above it, so it is known before. */
const link = (table: Table): void => {
  const { children, depth, ends, fallback, firstChild, label } = table
  for (let state = 0; state < depth.length; state++) {
    const first = firstChild[state] ?? 0
    const end = first + (children[state] ?? 0)
    for (let child = first; child < end; child++) {
      const back = state === 0 ? 0 : suffix(table, fallback[state] ?? 0, label[child] ?? 0)
      fallback[child] = back
      if (ends[child] === 0) ends[child] = ends[back] ?? 0
    }
  }
}

const suffix = (table: Table, from: number, column: number): number => {
  let state = from
  for (;;) {
    const child = childOf(table, state, column)
    if (child !== 0 || state === 0) return child
    state = table.fallback[state] ?? 0
  }
}

const writeRows = (table: Table): void => {
  const { fallback, rows, width, written } = table
  for (let state = 0; state < rows; state++) {
    const back = (fallback[state] ?? 0) * width
    for (let column = 1; column < width; column++) {
      const child = childOf(table, state, column)
      written[state * width + column] = child !== 0 || state === 0 ? child : (written[back + column] ?? 0)
    }
  }
}
