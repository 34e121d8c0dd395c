import { describe } from "@effect/vitest"

/**
 * A part of the suite that some engines can't play. What they lack stands in the title of what is skipped, so that nobody
 * takes it for seen.
 */
export const part = (title: string, lacking: string | undefined, tests: () => void): void => {
  const named = lacking === undefined ? title : `${title} (skipped: ${lacking})`
  describe.skipIf(lacking !== undefined)(named, () => {
    tests()
  })
}
