import { createHash, timingSafeEqual } from "node:crypto"
import { FileSystem } from "@effect/platform"
import { Duration, Effect, Either, Option, type Scope } from "effect"
import type { Access } from "../store/Settings.ts"
import { type AuthToken, decodeAuthTokens } from "./AuthToken.ts"
import type { CallerView } from "./Caller.ts"

export interface TokenBook {
  readonly find: (token: string) => Effect.Effect<Option.Option<CallerView>>
}

/**
 * Those who may ask, from the settings and from the file that they name, both followed. A list that can't be read is
 * reported and changes nothing: until there is a good one nobody is let in by it.
 */
export const makeTokenBook = Effect.fnUntraced(function* (
  access: Effect.Effect<Access>
): Effect.fn.Return<TokenBook, never, FileSystem.FileSystem | Scope.Scope> {
  const files = yield* FileSystem.FileSystem
  const { tokensFile } = yield* access
  const ofSettings = makePage("auth_tokens")
  const ofFile = makePage(tokensFile)
  let unreadable = false

  const readFile = files.readFileString(tokensFile).pipe(
    Effect.flatMap((text) => {
      unreadable = false
      return ofFile.turn(text)
    }),
    Effect.catchAll((error) => {
      if (unreadable) return Effect.void
      unreadable = true
      return Effect.logWarning("AUTH_TOKENS_FILE cannot be read", error.message)
    })
  )
  if (tokensFile !== "") {
    yield* readFile
    yield* readFile.pipe(Effect.delay(filesEvery), Effect.forever, Effect.forkScoped)
  }

  return {
    find: Effect.fnUntraced(function* (token) {
      yield* ofSettings.turn((yield* access).tokens)
      return search([...ofSettings.tokens(), ...ofFile.tokens()], token)
    })
  }
})

const filesEvery = Duration.seconds(2)

/** One source of tokens and the last good list that it had. */
const makePage = (source: string) => {
  let text = ""
  let tokens: ReadonlyArray<AuthToken> = []
  return {
    tokens: () => tokens,
    turn: (newest: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (newest === text) return Effect.void
        text = newest
        const decoded = decodeAuthTokens(newest)
        if (Either.isLeft(decoded)) {
          return Effect.logError("tokens ignored; those from before stay in force", `${source}${decoded.left}`)
        }
        tokens = decoded.right
        return Effect.annotateLogs(Effect.logInfo("tokens read"), { source, count: tokens.length })
      })
  }
}

/** Each of them is compared, and in constant time: how long it takes tells nobody how much of a token is right. */
const search = (tokens: ReadonlyArray<AuthToken>, token: string): Option.Option<CallerView> => {
  const presented = createHash("sha256").update(token).digest()
  let found = Option.none<CallerView>()
  for (const { caller, sha256 } of tokens) if (timingSafeEqual(sha256, presented)) found = Option.some(caller)
  return found
}
