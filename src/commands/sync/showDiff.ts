import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff"
import { safeLine } from "../safeLine.ts"
import { maskSecrets } from "./maskSecrets.ts"
import type { Change } from "./planChange.ts"

/** What a change does to its record, as `diff -u` would say it; empty where the bytes stay as they are. */
export const showDiff = (change: Change, jobs: string): string => {
  const { after, before, file = "/dev/null", name, outcome } = change
  const gone = outcome === "deleted"
  if (!gone && before !== undefined && after !== undefined && Buffer.compare(before, after) === 0) return ""
  const masked = maskSecrets(textOf(before), gone ? undefined : textOf(after))
  return createTwoFilesPatch(
    before === undefined ? "/dev/null" : `consul:${jobs}${name}`,
    gone ? "/dev/null" : file,
    masked.before,
    masked.after,
    undefined,
    undefined,
    { context: 3, headerOptions: FILE_HEADERS_ONLY }
  )
    .split("\n")
    .map(safeLine)
    .join("\n")
}

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)
