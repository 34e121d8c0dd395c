/**
 * Lines of at most `width` characters, broken at blanks. The first begins with `first`, the others with as many blanks
 * as `indent` says. A word that is longer than a line stands in one of its own, so that it can be copied.
 */
export const wrapped = (
  text: string,
  { first, indent, width }: { readonly first: string; readonly indent: number; readonly width: number }
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = first
  let isFresh = true
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const longer = isFresh ? line + word : `${line} ${word}`
    if (!isFresh && longer.length > width) {
      lines.push(line)
      line = " ".repeat(indent) + word
    } else {
      line = longer
    }
    isFresh = false
  }
  return [...lines, line]
}
