import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The simulator makes much garbage that is soon dead: a larger nursery saves a fifth of its time.
    poolOptions: { forks: { execArgv: ["--max-semi-space-size=64"] } },
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
