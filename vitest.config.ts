import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Many tests run real programs in real time; a loaded CI machine gets a second look before it blames one.
    retry: process.env["CI"] === undefined ? 0 : 1,
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
