import type { FileSystem } from "@effect/platform"
import { Effect, type Scope } from "effect"
import { Denied } from "../http/ApiError.ts"
import { appRoleTokens } from "./appRoleTokens.ts"
import { keepGivenToken } from "./keepTokenAlive.ts"
import { readTokenFile } from "./readTokenFile.ts"
import { about, type TokenSource, type VaultSend } from "./VaultCall.ts"
import type { VaultToken } from "./VaultConfig.ts"

/** Tokens are renewed until the scope ends, but for those in a file, which who writes it renews. */
export const makeTokenSource = (
  token: VaultToken,
  send: VaultSend,
  files: FileSystem.FileSystem
): Effect.Effect<TokenSource, never, Scope.Scope> => {
  switch (token._tag) {
    case "Given":
      return keepGivenToken(token.token, send)
    case "InFile":
      return Effect.succeed({
        current: (request) => readTokenFile(request, token.path, files),
        replaces: () => Effect.succeed(false)
      })
    case "AppRole":
      return appRoleTokens(token, send, files)
    case "None":
      return Effect.succeed({
        current: (request) => new Denied({ ...about(request), detail: noToken }),
        replaces: () => Effect.succeed(false)
      })
  }
}

const noToken =
  "there is no token; set VAULT_TOKEN, VAULT_TOKEN_FILE, or VAULT_ROLE_ID with VAULT_SECRET_ID, or give the Nomad task a vault block"
