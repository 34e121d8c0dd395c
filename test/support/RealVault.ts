import { Effect, Redacted, Schedule, Schema, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { delimiter, join } from "node:path"
import { makeEndpoint } from "../../src/http/Transport.ts"
import { freePort } from "./freePort.ts"
import { isExecutable } from "../../scripts/support/isExecutable.ts"

/** `VAULT_BIN`, else the first `vault` or `bao` on the PATH. */
export const vaultProgram = (): string | undefined => {
  const { PATH, VAULT_BIN } = process.env
  if (VAULT_BIN !== undefined && VAULT_BIN !== "") return VAULT_BIN
  return ["vault", "bao"]
    .flatMap((name) => (PATH ?? "").split(delimiter).map((folder) => join(folder, name)))
    .find(isExecutable)
}

/** A Vault (or OpenBao) in memory, unsealed, with a KV engine of version 2 at `secret/`. */
export interface RealVault {
  readonly address: string
  readonly rootToken: Redacted.Redacted
  /** Asked as root; the answer's `data` or `auth`, or nothing. */
  readonly ask: (method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object) => Effect.Effect<unknown>
  /** Writes a secret into `secret/`. */
  readonly put: (path: string, fields: Readonly<Record<string, unknown>>) => Effect.Effect<void>
  readonly stop: Effect.Effect<void>
}

export const startRealVault = (program: string): Effect.Effect<RealVault, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort
    const address = `http://127.0.0.1:${port}`
    const secret = "root-token-of-the-test"
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          program,
          [
            "server",
            "-dev",
            "-dev-no-store-token",
            `-dev-listen-address=127.0.0.1:${port}`,
            `-dev-root-token-id=${secret}`
          ],
          { stdio: "ignore" }
        )
      ),
      kill
    )
    const endpoint = yield* makeEndpoint({ origin: address, headers: { "x-vault-token": secret } })
    const ask = Effect.fnUntraced(function* (method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object) {
      const answer = yield* endpoint.request({
        method,
        path: `/v1/${path}`,
        timeout: "10 seconds",
        ...(body === undefined ? {} : { body: encodeJson(body) })
      })
      const text = new TextDecoder().decode(answer.body)
      if (answer.status >= 300) return yield* Effect.dieMessage(`${method} ${path}: ${answer.status} ${text}`)
      if (text === "") return undefined
      const { auth, data } = yield* decodeAnswer(text)
      return auth ?? data
    }, Effect.orDie)
    // The engine at secret/ is upgraded a moment after the rest answers.
    yield* endpoint.request({ method: "GET", path: "/v1/secret/config", timeout: "1 second" }).pipe(
      Effect.filterOrFail(
        ({ status }) => status === 200,
        () => "not ready yet"
      ),
      Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(300))),
      Effect.orDie
    )
    return {
      address,
      rootToken: Redacted.make(secret),
      ask,
      put: (path, fields) => Effect.asVoid(ask("POST", `secret/data/${path}`, { data: fields })),
      stop: kill(child)
    }
  })

const encodeJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const decodeAnswer = Schema.decode(
  Schema.parseJson(Schema.Struct({ auth: Schema.optional(Schema.Unknown), data: Schema.optional(Schema.Unknown) }))
)

const kill = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
