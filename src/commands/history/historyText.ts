import { formatGoDuration } from "../../domain/GoDuration.ts"
import type { BuildRecord } from "./BuildRecord.ts"
import { oneLine, utcText, withSymbol } from "./markdown.ts"

/**
 * `history.md` with this build in it: where the build already stands, otherwise above all others. Whatever else is in the
 * file stays as it is.
 */
export const historyText = (before: string, record: BuildRecord): string => {
  const preface = before.slice(0, beginOfEntries(before))
  const entries = before
    .slice(preface.length)
    .split(/^(?=## )/m)
    .filter((entry) => entry !== "")
  const isOwn = (entry: string): boolean => entry.startsWith(`## ${record.jobId} (`)
  const position = entries.findIndex(isOwn)
  // Earlier tools wrote a second entry when a build ended.
  const others = entries.filter((entry, index) => index === position || !isOwn(entry))
  const entry = entryText(record)
  const updated = position === -1 ? [entry, ...others] : others.with(others.findIndex(isOwn), entry)
  return `${begun(preface)}${updated.join("")}`
}

const beginOfEntries = (text: string): number => text.match(/^## /m)?.index ?? text.length

const header = "# Build History"

const begun = (preface: string): string => {
  if (!new RegExp(`^${header}\\s*$`, "m").test(preface)) return `${header}\n\n${preface}`
  return preface.endsWith("\n\n") ? preface : `${preface.trimEnd()}\n\n`
}

const entryText = (record: BuildRecord): string => {
  const lines = [
    `## ${record.jobId} (${utcText(record.completedAt ?? record.submittedAt)})`,
    `**Branch**: ${oneLine(record.branch)} | **Git Ref**: ${oneLine(record.gitRef)}`,
    `**Status**: ${withSymbol(record.status)} | **Duration**: ${formatGoDuration(record.duration)}${purposeOf(record)}`,
    `**Tags**: ${record.tags.join(", ")}`,
    ...(record.error === undefined ? [] : [`**Error**: ${oneLine(record.error)}`])
  ]
  return `${lines.join("\n")}\n\n`
}

const purposeOf = ({ purpose }: BuildRecord): string =>
  purpose === undefined ? "" : ` | **Purpose**: ${oneLine(purpose)}`
