import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { liveLogging } from "../../src/cli/logging.ts"
import { secretsIn, secretsInFiles } from "../../src/cli/ownSecrets.ts"
import { makeRedactor } from "../../src/redaction/Redactor.ts"

describe("the service's own secrets", () => {
  it("are the variables whose names say so, and the password of a pair", () => {
    const open = {
      SERVER_HOST: "a",
      REGISTRY_TEMP_CREDENTIALS_PATH: "b",
      CONSUL_HTTP_TOKEN_FILE: "c",
      AUTH_MODE: "d",
      SSH_AUTH_SOCK: "e",
      UNSET_TOKEN: undefined
    }
    assert.deepStrictEqual(secretsIn(open), [])
    const given = {
      CONSUL_HTTP_TOKEN: "1",
      NOMAD_TOKEN: "2",
      VAULT_TOKEN: "3",
      VAULT_SECRET_ID: "4",
      REGISTRY_PASSWORD: "5",
      AWS_SECRET_ACCESS_KEY: "6",
      CONSUL_HTTP_AUTH: "me:7",
      SOME_API_KEY: "8"
    }
    assert.deepStrictEqual(secretsIn(given), ["1", "2", "3", "4", "5", "6", "me:7", "7", "8"])
  })

  it.effect("are also in the files that it is told of, and in those that Nomad writes for a task", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "jobforge-own-"))
      writeFileSync(join(folder, "vault_token"), "vault\n")
      writeFileSync(join(folder, "consul"), "consul\n")
      const environment = {
        NOMAD_SECRETS_DIR: folder,
        CONSUL_HTTP_TOKEN_FILE: join(folder, "consul"),
        VAULT_TOKEN_FILE: join(folder, "missing")
      }
      const found = yield* secretsInFiles(environment)
      assert.sameMembers(
        found.filter((text) => text !== ""),
        ["vault", "consul"]
      )
      rmSync(folder, { recursive: true })
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

describe("the service's log", () => {
  for (const format of ["json", "logfmt"] as const) {
    it.effect(`shows no secret as ${format}, wherever in a line it stands`, () =>
      Effect.gen(function* () {
        const secret = `to"ken\\4711`
        const written: Array<string> = []
        const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
          written.push(String(text))
          return true
        })
        yield* Effect.logWarning("failed", `GET https://u:pw@host with ${secret}`).pipe(
          Effect.annotateLogs({ token: secret }),
          Effect.provide(liveLogging(format, "info", makeRedactor([secret])).layer),
          Effect.ensuring(Effect.sync(() => spy.mockRestore()))
        )
        const lines = written.join("")
        assert.include(lines, "https://[redacted]@host")
        assert.notInclude(lines, "4711")
        // A key that is there twice is lost to whoever reads it.
        assert.lengthOf(lines.split("message"), 2)
      })
    )
  }
})
