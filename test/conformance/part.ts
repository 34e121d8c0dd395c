import { describe } from "@effect/vitest"

/**
 * A part of the suite that some engines can't play. What they lack stands in the title of what is skipped, and in a line of
 * its own for reporters that print no titles of files that pass: nobody takes it for seen.
 */
export const part = (title: string, lacking: string | undefined, tests: () => void): void => {
  const named = lacking === undefined ? title : `${title} (skipped: ${lacking})`
  if (lacking !== undefined) process.stderr.write(`${named}\n`)
  describe.skipIf(lacking !== undefined)(named, () => {
    tests()
  })
}
