import { makeAutomaton } from "./Automaton.ts"
import { type Automata, makeRedactionStream, type RedactionStream } from "./RedactionStream.ts"
import { secretParts } from "./secretParts.ts"
import { plainSpellings, wrappedSpellings } from "./spellings.ts"

/**
 * Puts `[redacted]` in the place of secrets: of those it was made for, in every usual spelling, and of what has the shape
 * of a credential. Everything else stays byte for byte as it is, and redacting twice changes nothing more.
 *
 * Give it texts before they are put into JSON: what it takes out could begin within an escape.
 */
export interface Redactor {
  readonly text: (text: string) => string
  readonly bytes: (bytes: Uint8Array) => Uint8Array
  /** For what comes piece by piece: finds a secret wherever the pieces part it. */
  readonly stream: () => RedactionStream
  /** How many of the values are not looked for, since they are too short, too common or too long (`secretParts`). */
  readonly unsearched: number
}

export const makeRedactor = (secrets: Iterable<string>): Redactor => {
  const { automata, unsearched } = compile([...new Set(secrets)].filter((secret) => secret.trim() !== ""))
  const bytes = (input: Uint8Array): Uint8Array => {
    const stream = makeRedactionStream(automata)
    const begun = stream.add(input)
    const rest = stream.end()
    return begun.length === 0 ? rest : Buffer.concat([begun, rest])
  }
  return {
    text: (text) => {
      const input = new TextEncoder().encode(text)
      const output = bytes(input)
      // What is unchanged is given back as it came: half a surrogate pair has no bytes of its own.
      return Buffer.compare(input, output) === 0 ? text : new TextDecoder("utf-8", keepMark).decode(output)
    },
    bytes,
    stream: () => makeRedactionStream(automata),
    unsearched
  }
}

const keepMark = { ignoreBOM: true }

/** Bytes of secrets that are looked for in all spellings, some thirty times their size; others as they are, line by line. */
const mostSpelled = 64 * 1024
const mostSearched = 1024 * 1024

const compile = (secrets: ReadonlyArray<string>): { readonly automata: Automata; readonly unsearched: number } => {
  const plain = new Set<string>()
  const wrapped = new Set<string>()
  let bytes = 0
  let unsearched = 0
  // The short ones are passwords and tokens, the long ones files.
  for (const secret of secrets.toSorted((a, b) => a.length - b.length)) {
    bytes += secret.length
    const parts = bytes > mostSearched ? [] : secretParts(secret)
    if (parts.length === 0) unsearched += 1
    for (const part of parts) {
      for (const spelling of bytes > mostSpelled ? [part] : plainSpellings(part)) plain.add(spelling)
      for (const spelling of bytes > mostSpelled ? [] : wrappedSpellings(part)) wrapped.add(spelling)
    }
  }
  return {
    automata: {
      plain: makeAutomaton(encoded(plain), { skipsBlanks: false }),
      wrapped: makeAutomaton(encoded(wrapped), { skipsBlanks: true })
    },
    unsearched
  }
}

const encoded = (words: Iterable<string>): ReadonlyArray<Uint8Array> => {
  const encoder = new TextEncoder()
  return Array.from(words, (word) => encoder.encode(word))
}
