import { clip, displayWidth } from "./displayWidth.ts"

/** In columns and rows. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** What stands on the screen. */
export interface Frame {
  readonly size: Size
  readonly lines: ReadonlyArray<string>
}

/** As many of the lines as the screen has rows, each as long as it has columns. */
export const frameOf = (size: Size, lines: ReadonlyArray<string>): Frame => ({
  size,
  lines: lines.slice(0, size.rows).map((line) => clip(line, size.columns))
})

/**
 * What to write so that the screen shows a frame: only the lines that are others than before, in one piece where the
 * terminal knows synchronized updates. After a change of size nothing that stands there is relied on.
 */
export const frameChange = (before: Frame | undefined, next: Frame): string => {
  const { columns, rows } = next.size
  const known = before?.size.columns === columns && before.size.rows === rows ? before.lines : undefined
  const changed = Array.from({ length: rows }, (_, row) => {
    const line = next.lines[row] ?? ""
    return known !== undefined && (known[row] ?? "") === line ? "" : lineAt(row, line, columns)
  }).join("")
  return changed === "" ? "" : `${beginUpdate}${changed}${endUpdate}`
}

const escape = String.fromCharCode(27)
const beginUpdate = `${escape}[?2026h`
const endUpdate = `${escape}[?2026l`
const plain = `${escape}[0m`
const eraseToEnd = `${escape}[K`

/** Behind a line that fills its row the cursor still stands on the last character: erasing would take that away. */
const lineAt = (row: number, line: string, columns: number): string =>
  `${escape}[${row + 1};1H${plain}${line}${plain}${displayWidth(line) < columns ? eraseToEnd : ""}`
