import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber, TestClock } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { Unavailable } from "../../src/http/ApiError.ts"
import { secretFaults } from "../../src/server/secretFaults.ts"
import { type SecretPresence, Vault } from "../../src/vault/Vault.ts"
import { minimal } from "../domain/records.ts"

const { job } = Either.getOrThrow(
  decodeInput({
    ...minimal,
    git_credentials_path: "secret/git",
    registry_credentials_path: "secret/registry",
    test: {
      entry_point: true,
      vault_policies: ["p"],
      vault_secrets: [{ path: "secret/data/db", fields: { a: "A" } }]
    },
    webhook_url: "https://hooks.example.com/x",
    webhook_secret: "vault:secret/hook#key"
  })
)

const faultsWith = (presence: Vault["Type"]["presence"]) =>
  Effect.map(
    secretFaults(
      Vault.of({ read: () => Effect.dieMessage("a value was read"), presence, health: Effect.succeed("healthy") }),
      job
    ),
    (faults) => faults.map(({ path, message }) => `${path}: ${message}`)
  )

const all = (presence: SecretPresence) => faultsWith(() => Effect.succeed(presence))

describe("the secrets of a submitted job", () => {
  it.effect("are named with their fields where Vault doesn't have them", () =>
    Effect.gen(function* () {
      const faults = yield* all("missing")
      assert.lengthOf(faults, 4)
      assert.match(faults[0] ?? "", /^git_credentials_path: .*Vault doesn't have: secret\/git; write it first/)
      assert.match(faults[2] ?? "", /^test\.vault_secrets\[0\]\.path: .*secret\/data\/db/)
      assert.match(faults[3] ?? "", /^webhook_secret: .*secret\/hook/)
      assert.lengthOf(yield* all("deleted"), 4)
      // The service itself reads version 1 as well.
      assert.lengthOf(yield* all("unversioned"), 3)
      assert.deepStrictEqual(yield* all("present"), [])
    })
  )

  it.effect("are no fault where nobody can know, and hold nobody up", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* all("unknown"), [])
      const away = new Unavailable({ system: "vault", operation: "metadata", detail: "sealed" })
      assert.deepStrictEqual(yield* faultsWith(() => away), [])
      const silent = yield* Effect.fork(faultsWith(() => Effect.never))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* Fiber.join(silent), [])
    })
  )
})
