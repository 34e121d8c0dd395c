import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

/** Most of a test's time is waiting: on two cores, one file at a time would leave more than half of them idle. */
const filesAtOnce = Math.max(2, availableParallelism() - 1)

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The simulator makes much garbage that is soon dead: a larger nursery saves a fifth of its time.
    poolOptions: { forks: { execArgv: ["--max-semi-space-size=64"], maxForks: filesAtOnce } },
    coverage: {
      provider: "v8",
      // What must be covered whole: the rest is covered by what really runs.
      include: ["src/domain/**", "src/jobspec/**"],
      reporter: ["text", "json-summary"],
      thresholds: {
        "src/domain/**": { lines: 100, branches: 100 },
        "src/jobspec/**": { lines: 100, branches: 100 }
      }
    }
  }
})
