import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, type ScalarEvent } from "js-yaml"

/** A YAML node and where its text starts, in UTF-16 units. An empty value has no text, and so no place of its own. */
export type Tree =
  | { readonly kind: "scalar"; readonly at: number | undefined }
  | { readonly kind: "list"; readonly at: number; readonly items: ReadonlyArray<Tree> }
  | { readonly kind: "map"; readonly at: number; readonly members: ReadonlyArray<Member> }
  | { readonly kind: "alias"; readonly at: number; readonly to: Tree | undefined }

export interface Member {
  /** Undefined for a key that is no plain text: such a key is never a field's. */
  readonly key: string | undefined
  readonly keyAt: number | undefined
  readonly value: Tree
}

/** The first document of a text. Undefined where the text is neither JSON nor YAML. */
export const parseTree = (text: string): Tree | undefined => {
  try {
    return new Reader(text, parseEvents(text, { maxDepth: 32 })).document()
  } catch {
    // What is wrong with the text is for `parseRecordText` to say: here there is nothing to find.
    return undefined
  }
}

/** Reads the parser's flat events, of which each collection is closed by one. */
class Reader {
  private position = 0
  private readonly anchors = new Map<string, Tree>()
  private readonly text: string
  private readonly events: ReadonlyArray<Event>

  constructor(text: string, events: ReadonlyArray<Event>) {
    this.text = text
    this.events = events
  }

  document(): Tree | undefined {
    this.position = 1
    return this.node()
  }

  private node(): Tree | undefined {
    const event = this.events[this.position++]
    if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return undefined
    if (event.type === EVENT_ID.ALIAS) {
      const to = this.anchors.get(this.text.slice(event.anchorStart, event.anchorEnd))
      return { kind: "alias", at: event.anchorStart - 1, to }
    }
    const tree = this.content(event)
    // After its content: an alias in there could only make a circle.
    if (event.anchorStart !== none) this.anchors.set(this.text.slice(event.anchorStart, event.anchorEnd), tree)
    return tree
  }

  private content(event: Exclude<Event, { readonly type: 1 | 5 | 6 }>): Tree {
    if (event.type === EVENT_ID.SCALAR) return { kind: "scalar", at: startOf(this.text, event) }
    return event.type === EVENT_ID.SEQUENCE
      ? { kind: "list", at: event.start, items: this.children() }
      : { kind: "map", at: event.start, members: this.members() }
  }

  private children(): ReadonlyArray<Tree> {
    const children: Array<Tree> = []
    for (let child = this.node(); child !== undefined; child = this.node()) children.push(child)
    return children
  }

  private members(): ReadonlyArray<Member> {
    const members: Array<Member> = []
    for (;;) {
      const event = this.events[this.position]
      const key = this.node()
      const value = key === undefined ? undefined : this.node()
      if (event === undefined || key === undefined || value === undefined) return members
      const name = event.type === EVENT_ID.SCALAR ? getScalarValue(this.text, event) : undefined
      members.push({ key: name, keyAt: key.at, value })
    }
  }
}

/** How the parser's ranges say that there is no such thing. */
const none = -1

const startOf = (text: string, { anchorStart, style, tagStart, valueStart }: ScalarEvent): number | undefined => {
  if (valueStart === none) {
    const properties = [tagStart, anchorStart - 1].filter((start) => start >= 0)
    return properties.length === 0 ? undefined : Math.min(...properties)
  }
  // The range of a quoted text is what is between the quotes; that of a block starts below its `|` or `>`.
  if (quotedStyles.has(style)) return valueStart - 1
  return blockStyles.has(style) ? headerOf(text, valueStart) : valueStart
}

const quotedStyles: ReadonlySet<number> = new Set([SCALAR_STYLE.SINGLE_QUOTED, SCALAR_STYLE.DOUBLE_QUOTED])
const blockStyles: ReadonlySet<number> = new Set([SCALAR_STYLE.LITERAL_BLOCK, SCALAR_STYLE.FOLDED_BLOCK])

const headerOf = (text: string, contentStart: number): number => {
  const before = text.slice(0, contentStart).replace(/\r?\n$|\r$/, "")
  const lineStart = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1
  const header = before.slice(lineStart).search(/[|>][0-9+-]*[ \t]*(?:[ \t]#.*)?$/)
  return header === -1 ? contentStart : lineStart + header
}
