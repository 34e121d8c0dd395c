import type { JobStatus } from "../../domain/Status.ts"

/** `✅ SUCCEEDED`, with what stands between the symbol and the status. */
export const withSymbol = (status: JobStatus, between = ""): string => `${symbolOf(status)} ${between}${status}`

/** `YYYY-MM-DD HH:MM:SS UTC` */
export const utcText = (time: Date): string => `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`

/** Somebody else's text within a line, where it can't begin another one. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

/** A block that the text can't end. */
export const fenced = (text: string): string => {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  const fence = "`".repeat(longest + 1)
  return `${fence}\n${text.trimEnd()}\n${fence}`
}

const symbolOf = (status: JobStatus): string => {
  if (status === "SUCCEEDED") return "✅"
  return status === "FAILED" ? "❌" : "⏳"
}
