import { displayWidth, padded } from "./terminal/displayWidth.ts"
import { plainText } from "./terminal/plainText.ts"

/** Columns as wide as their widest cell, two blanks apart. Cells hold what builds and users wrote: each stays one line. */
export const formatTable = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const lines = [header, ...rows.map((row) => row.map(plainText))]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column] ?? ""))))
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => padded(cell, widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`
    )
    .join("")
}
