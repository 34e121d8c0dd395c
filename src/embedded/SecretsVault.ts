import { Effect, Layer } from "effect"
import { NotFound, Unavailable } from "../http/ApiError.ts"
import { Vault } from "../vault/Vault.ts"
import { readSecretsFile } from "./nomad/template/SecretsFile.ts"

/** The file that stands for Vault where there is none, as it is at each reading. */
export const secretsVault = (file: string): Layer.Layer<Vault> =>
  Layer.succeed(
    Vault,
    Vault.of({
      read: (path) =>
        Effect.flatMap(
          Effect.mapError(
            readSecretsFile(file),
            ({ message }) => new Unavailable({ system: "vault", operation: `read ${path}`, detail: message })
          ),
          (find) => {
            const fields = find(path)
            return fields === undefined
              ? new NotFound({ system: "vault", operation: `read ${path}`, detail: `it is not in ${file}` })
              : Effect.succeed(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, textOf(value)])))
          }
        ),
      presence: (path) =>
        readSecretsFile(file).pipe(
          Effect.map((find) => (find(path) === undefined ? ("missing" as const) : ("present" as const))),
          // A file that is just being edited.
          Effect.orElseSucceed(() => "unknown" as const)
        ),
      health: Effect.match(readSecretsFile(file), {
        onFailure: () => "unhealthy" as const,
        onSuccess: () => "healthy" as const
      })
    })
  )

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))
