import { defineConfig } from "vitest/config"

/** What needs the real engines: Consul, Nomad and Vault (or OpenBao), on the PATH or named in CONSUL_BIN, NOMAD_BIN, VAULT_BIN. */
export default defineConfig({
  test: {
    include: ["test/real/**/*.test.ts", "test/**/*.real.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Each starts engines of its own.
    fileParallelism: false,
    // What is skipped is told by its title, which says what is missing.
    reporters: ["verbose"]
  }
})
