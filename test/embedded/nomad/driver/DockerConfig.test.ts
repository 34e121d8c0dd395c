import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import * as BuildahDriver from "../../../../src/embedded/nomad/driver/BuildahDriver.ts"
import {
  decodeDockerConfig,
  forbidsNewPrivileges,
  grantedCapabilities
} from "../../../../src/embedded/nomad/driver/DockerConfig.ts"
import { TaskDriver } from "../../../../src/embedded/nomad/TaskDriver.ts"

/** Nothing is started here, so nothing is ever written to the folder. */
const driverLayer = BuildahDriver.layer({ dataDir: "/nonexistent/driver", hostImages: ["builder:1"] })

const decoded = (config: Readonly<Record<string, unknown>>) =>
  Either.getOrThrowWith(decodeDockerConfig({ image: "a", ...config }), (refusals) => new Error(refusals.join("\n")))

describe("a docker task's config", () => {
  it.effect("is taken as the product's jobs write it", () =>
    Effect.gen(function* () {
      const driver = yield* TaskDriver
      const config = {
        image: "127.0.0.1:5000/a@sha256:00",
        network_mode: "host",
        entrypoint: ["sh", "-c", "true"],
        auth: [{ username: "a", password: "b" }],
        cap_drop: ["all"],
        cap_add: ["setuid", "CAP_SETGID"],
        security_opt: ["seccomp=unconfined", "apparmor=unconfined", "no-new-privileges"],
        mounts: [{ type: "tmpfs", target: "/tmp", tmpfs_options: { size: 1, mode: 1023 } }],
        logging: { type: "json-file", config: [{ "max-size": "200m" }] }
      }
      assert.deepStrictEqual(driver.validate("docker", config, "build"), [])
    }).pipe(Effect.provide(driverLayer))
  )

  it.effect("is refused by the name of each thing that this driver would run differently", () =>
    Effect.gen(function* () {
      const driver = yield* TaskDriver
      const lines = driver.validate(
        "docker",
        {
          image: "a",
          network_mode: "bridge",
          privileged: true,
          pid_mode: "host",
          runtime: "nvidia",
          volumes: ["/:/host"],
          mounts: [{ type: "bind", source: "/", target: "/host" }]
        },
        ""
      )
      for (const name of ["network_mode", "privileged", "pid_mode", "runtime", "volumes", "mounts"]) {
        assert.isTrue(
          lines.some((line) => line.startsWith(`config.${name}`)),
          `${name} in ${lines.join("\n")}`
        )
      }
    }).pipe(Effect.provide(driverLayer))
  )

  it.effect(
    "is refused for another driver, for capabilities beyond Nomad's default and for devices in a container",
    () =>
      Effect.gen(function* () {
        const driver = yield* TaskDriver
        assert.deepStrictEqual(driver.validate("exec", {}, ""), [
          'driver "exec" is not implemented by the embedded Nomad: only "docker" is'
        ])
        assert.deepStrictEqual(driver.validate("docker", { image: "a", cap_add: ["SYS_ADMIN"] }, ""), [
          "driver does not allow the following capabilities: SYS_ADMIN"
        ])
        const devices = [{ host_path: "/dev/fuse" }]
        assert.deepStrictEqual(driver.validate("docker", { image: "a", devices }, ""), [
          "config.devices: not implemented by the embedded Nomad's driver"
        ])
        assert.deepStrictEqual(
          driver.validate("docker", { image: "builder:1", devices, cap_add: ["SYS_ADMIN"] }, ""),
          []
        )
      }).pipe(Effect.provide(driverLayer))
  )

  it("must name an image", () => {
    assert.isTrue(Either.isLeft(decodeDockerConfig({})))
    assert.isTrue(Either.isLeft(decodeDockerConfig({ image: "" })))
  })

  it("grants docker's default capabilities, less those dropped, plus those added", () => {
    assert.lengthOf(grantedCapabilities(decoded({})), 13)
    assert.notInclude(grantedCapabilities(decoded({ cap_drop: ["MKNOD"] })), "CAP_MKNOD")
    assert.deepStrictEqual(grantedCapabilities(decoded({ cap_drop: ["all"], cap_add: ["setuid"] })), ["CAP_SETUID"])
    assert.deepStrictEqual(grantedCapabilities(decoded({ cap_drop: ["ALL"] })), [])
  })

  it("forbids new privileges only where that is asked", () => {
    assert.isTrue(forbidsNewPrivileges(decoded({ security_opt: ["no-new-privileges:true"] })))
    assert.isFalse(forbidsNewPrivileges(decoded({ security_opt: ["no-new-privileges:false", "seccomp=unconfined"] })))
  })
})
