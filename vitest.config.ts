import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

/** Most of a test's time is waiting: on two cores, one file at a time would leave more than half of them idle. */
const filesAtOnce = Math.max(2, availableParallelism() - 1)

/**
 * What these try keeps nothing in its process: their files share a thread, beside the processes of the others, and what
 * they import is loaded once instead of a hundred times.
 */
const together = [
  "client",
  "commands",
  "consul",
  "diagnosis",
  "domain",
  "http",
  "metrics",
  "nomad",
  "redaction",
  "scripts",
  "store",
  "vault"
].map((folder) => `test/${folder}/**/*.test.ts`)

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    poolOptions: {
      threads: { isolate: false, maxThreads: 1 },
      // The simulator makes much garbage that is soon dead: a larger nursery saves a fifth of its time.
      forks: { execArgv: ["--max-semi-space-size=64"], maxForks: filesAtOnce }
    },
    projects: [
      { extends: true, test: { name: "together", pool: "threads", include: together } },
      { extends: true, test: { name: "apart", pool: "forks", include: ["test/**/*.test.ts"], exclude: together } }
    ],
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
