/**
 * A terminal as xterm describes it, reduced to what a view here may write: it refuses anything else. What was on the screen
 * stays there at a change of size as far as there is room for it, at its lower edge: as some terminals do.
 */
export class TerminalModel {
  cursorShown = true
  wraps = true
  updating = false
  isAlternate = false
  /** Bells, titles and whatever else nobody may set. */
  readonly refused: Array<string> = []
  private main: Array<Array<string>>
  private other: Array<Array<string>>
  private row = 0
  private column = 0
  private saved: [number, number] = [0, 0]
  columns: number
  rows: number

  constructor(columns: number, rows: number) {
    this.columns = columns
    this.rows = rows
    this.main = blank(columns, rows)
    this.other = blank(columns, rows)
  }

  /** Without the blanks at the ends of its lines. */
  lines(): ReadonlyArray<string> {
    return this.screen().map((cells) => cells.join("").trimEnd())
  }

  resize(columns: number, rows: number): void {
    const above = rows - this.rows
    const fit = (screen: Array<Array<string>>) =>
      blank(columns, rows).map((cells, row) => cells.map((cell, column) => screen[row - above]?.[column] ?? cell))
    this.main = fit(this.main)
    this.other = fit(this.other)
    this.columns = columns
    this.rows = rows
  }

  write(text: string): void {
    for (const [part] of text.matchAll(parts)) {
      if (part.startsWith(escape) || /^\p{Cc}/u.test(part)) this.control(part)
      else this.put(part)
    }
  }

  private screen(): Array<Array<string>> {
    return this.isAlternate ? this.other : this.main
  }

  private put(sign: string): void {
    const width = widthOf(sign)
    if (this.column + width > this.columns) {
      if (!this.wraps) this.column = this.columns - width
      else this.newLine()
    }
    const line = this.screen()[this.row]
    if (line === undefined) return
    if (width === 0) line[Math.max(0, this.column - 1)] += sign
    else line.splice(this.column, width, sign, ...Array.from({ length: width - 1 }, () => ""))
    this.column += width
  }

  private newLine(): void {
    this.column = 0
    this.row += 1
    if (this.row < this.rows) return
    this.row = this.rows - 1
    this.screen().shift()
    this.screen().push(blankLine(this.columns))
  }

  private control(sequence: string): void {
    const [, parameters = "", final = ""] = control.exec(sequence) ?? []
    switch (final) {
      case "m":
        return
      case "H": {
        const [row = 1, column = 1] = parameters.split(";").map((number) => Number(number === "" ? "1" : number))
        this.row = Math.min(row, this.rows) - 1
        this.column = Math.min(column, this.columns) - 1
        return
      }
      case "K":
        this.screen()[this.row]?.fill(" ", Math.min(this.column, this.columns - 1))
        return
      case "J":
        this.other = blank(this.columns, this.rows)
        return
      case "h":
      case "l":
        this.mode(parameters, final === "h")
        return
      default:
        if (sequence === "\n") this.newLine()
        else this.refused.push(sequence)
    }
  }

  private mode(parameters: string, on: boolean): void {
    switch (parameters) {
      case "?25":
        this.cursorShown = on
        return
      case "?7":
        this.wraps = on
        return
      case "?2026":
        this.updating = on
        return
      case "?1049":
        // The cursor's place belongs to the screen that is left.
        if (on) this.saved = [this.row, this.column]
        else [this.row, this.column] = this.saved
        this.isAlternate = on
        return
      default:
        this.refused.push(parameters)
    }
  }
}

const escape = String.fromCharCode(27)
const control = new RegExp(`^${escape}\\[([?0-9;]*)([A-Za-z])$`)
const parts = new RegExp(`${escape}\\[[?0-9;]*[A-Za-z]|${escape}[\\s\\S]?|[\\s\\S]`, "gu")

const blankLine = (columns: number): Array<string> => Array.from({ length: columns }, () => " ")
const blank = (columns: number, rows: number): Array<Array<string>> =>
  Array.from({ length: rows }, () => blankLine(columns))

/** Of single characters, by ranges: on purpose another way than that of the code that is tested. */
const widthOf = (sign: string): number => {
  const code = sign.codePointAt(0) ?? 0
  if (code === 0x200d || code === 0xfe0f || (code >= 0x300 && code <= 0x36f)) return 0
  const isWide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xff01 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    [0x23f3, 0x2705, 0x274c, 0x2753, 0x2757, 0x2b1c].includes(code)
  return isWide ? 2 : 1
}
