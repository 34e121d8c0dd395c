import { defineConfig } from "vitest/config"

/** Not part of `npm test`: it starts Consul, Nomad, Docker and a registry, and takes some minutes. */
export default defineConfig({
  test: {
    // Names what is skipped, and why.
    reporters: ["verbose"],
    include: ["test/cluster/**/*.cluster.ts"],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Each file has a cluster of its own: two at once would be more than a small machine has.
    fileParallelism: false
  }
})
