import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Redacted, type Scope } from "effect"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { nomadProgram, startRealNomad } from "../support/RealNomad.ts"
import { type RealVault, startRealVault, vaultProgram } from "../support/RealVault.ts"

export const missing = [
  ...(nomadProgram() === undefined ? ["nomad on the PATH or in NOMAD_BIN"] : []),
  ...(vaultProgram() === undefined ? ["vault or bao on the PATH or in VAULT_BIN"] : [])
]

export const titled = (title: string): string =>
  missing.length === 0 ? title : `${title} (not here: ${missing.join("; ")})`

export interface VaultLab {
  readonly vault: RealVault
  readonly nomad: Nomad["Type"]
  readonly nomadAddress: string
  /** What `manifests/vault/setup.sh` says on its standard error. */
  readonly setUp: (environment?: Readonly<Record<string, string>>) => Effect.Effect<string>
}

/** A real Vault and a real Nomad that know of each other by what `manifests/vault` has for their operators. */
export const vaultLab: Effect.Effect<VaultLab, never, Scope.Scope> = Effect.gen(function* () {
  const vault = yield* startRealVault(vaultProgram() ?? "")
  const agent = yield* Effect.promise(() => readFile(join(manifests, "nomad-agent.hcl"), "utf8"))
  const nomadAddress = yield* startRealNomad(nomadProgram() ?? "", {
    vault: agent.replace("http://127.0.0.1:8200", vault.address)
  })
  const setUp = (environment: Readonly<Record<string, string>> = {}) =>
    Effect.promise(() =>
      run(join(manifests, "setup.sh"), [], {
        env: {
          PATH: process.env["PATH"],
          HOME: "/nowhere",
          VAULT_BIN: vaultProgram(),
          VAULT_ADDR: vault.address,
          VAULT_TOKEN: Redacted.value(vault.rootToken),
          NOMAD_ADDR: nomadAddress,
          ...environment
        }
      })
    ).pipe(Effect.map(({ stderr }) => stderr))
  return { vault, nomad: yield* nomadClient(plainNomad(nomadAddress)), nomadAddress, setUp }
})

const run = promisify(execFile)

export const manifests = join(import.meta.dirname, "../../manifests/vault")
