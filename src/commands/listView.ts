import type { History } from "../api/Answers.ts"
import { formatTable } from "./formatTable.ts"
import { ofHistory } from "./looks.ts"

/** The list as a terminal shows it, which cuts lines at its edge: what changes while one looks comes first. */
export const listView = (history: History): ReadonlyArray<string> =>
  formatTable(columns, ofHistory.rows(history).map(inOrder)).trimEnd().split("\n")

const columns: ReadonlyArray<string> = ["JOB", "STATUS", "PHASE", "DURATION", "OWNER", "IMAGE", "ERROR", "CREATED"]

const inOrder = (row: ReadonlyArray<string>): ReadonlyArray<string> =>
  columns.map((column) => row[ofHistory.header.indexOf(column)] ?? "")
