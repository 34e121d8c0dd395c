import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { knobs } from "../../src/store/knobs.ts"
import { readSettings } from "../../src/store/Settings.ts"

describe("readSettings", () => {
  it("has the documented defaults", () => {
    const { settings, faults } = readSettings({}, {})
    assert.deepStrictEqual(faults, [])
    assert.deepStrictEqual(settings.server, { host: "0.0.0.0", port: 8080, corsOrigins: ["*"] })
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.buildTimeout), 30)
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.testTimeout), 15)
    assert.deepStrictEqual(settings.policy.defaults.limits.build, { cpu: 1000, memory: 2048, disk: 10_240 })
    assert.deepStrictEqual(settings.policy.defaults.limits.test, { cpu: 500, memory: 1024, disk: 2048 })
    assert.strictEqual(settings.spec.killTimeout, 30_000)
    assert.strictEqual(settings.keyPrefix, "jobforge-service")
    assert.deepStrictEqual(settings.spec.datacenters, ["cluster"])
  })

  it("prefers KV to the environment, and the environment to the default", () => {
    const { settings } = readSettings(
      { BUILD_TIMEOUT: "45m", TEST_TIMEOUT: "5m", SERVER_PORT: "9090" },
      { build_timeout: "1h\n", "default_resource_limits/cpu": "4000" }
    )
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.buildTimeout), 60)
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.testTimeout), 5)
    assert.strictEqual(settings.policy.defaults.limits.build.cpu, 4000)
    assert.strictEqual(settings.server.port, 9090)
  })

  it("passes over what can't be used, says where it stands, and goes on with the next source", () => {
    const { settings, faults } = readSettings(
      { SERVER_PORT: "0", BUILD_TIMEOUT: "45m" },
      { build_timeout: "soon", test_timeout: "0s", nonsense: "1" }
    )
    assert.strictEqual(settings.server.port, 8080)
    assert.strictEqual(Duration.toMinutes(settings.policy.defaults.buildTimeout), 45)
    assert.sameMembers(
      faults.map(({ source }) => source),
      ["environment SERVER_PORT", "config/build_timeout", "config/test_timeout", "config/nonsense"]
    )
  })

  it("reads the Vault roles of policies, and the mount with or without its slash", () => {
    const { settings } = readSettings({ VAULT_POLICY_ROLES: "a=r1, b=r2", VAULT_MOUNT: "team/kv/" }, {})
    assert.deepStrictEqual(settings.spec.vaultPolicyRoles, { a: "r1", b: "r2" })
    assert.deepStrictEqual(settings.policy.vaultPolicyRoles, { a: "r1", b: "r2" })
    assert.strictEqual(settings.spec.vaultMount, "team/kv")
  })

  it("leaves out what an empty text takes back", () => {
    const { settings } = readSettings({ VAULT_ROLE: "", REGISTRY_TEMP_CREDENTIALS_PATH: "secret/x" }, {})
    assert.isUndefined(settings.spec.vaultRole)
    assert.strictEqual(settings.spec.temporaryRegistryCredentialsPath, "secret/x")
    assert.strictEqual(readSettings({}, {}).settings.spec.vaultRole, "nomad-workloads")
  })

  it.each([
    ["REGISTRY_URL", "https://r:5000"],
    ["REGISTRY_TEMP_PREFIX", "Temp"],
    ["CONSUL_KEY_PREFIX", "/a"],
    ["DOCKER_LOG_MAX_FILE_SIZE", "lots"],
    ["BUILD_FUSE", "yes"],
    ["BUILD_STORAGE_DRIVER", "btrfs"],
    ["MAX_ATTEMPTS", "0"],
    ["VAULT_MOUNT", "/secret"],
    ["VAULT_POLICY_ROLES", "payments"],
    ["VAULT_POLICY_ROLES", "payments=a role"]
  ])("refuses %s=%s", (name, text) => {
    const { faults } = readSettings({ [name]: text }, {})
    assert.deepStrictEqual(
      faults.map(({ source }) => source),
      [`environment ${name}`]
    )
  })

  it("reads lists without their blanks", () => {
    const { settings } = readSettings({ NOMAD_DATACENTERS: "dc1, dc2,," }, {})
    assert.deepStrictEqual(settings.spec.datacenters, ["dc1", "dc2"])
  })

  it("has no two settings of one name", () => {
    const all = Object.values(knobs)
    assert.lengthOf(new Set(all.map(({ env }) => env)), all.length)
    const keys = all.flatMap(({ key }) => (key === undefined ? [] : [key]))
    assert.lengthOf(new Set(keys), keys.length)
  })
})
