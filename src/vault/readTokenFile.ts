import type { FileSystem } from "@effect/platform"
import { Effect } from "effect"
import { Denied } from "../http/ApiError.ts"
import { about, type VaultRequest } from "./VaultCall.ts"

/** The one line of a file that holds a token, or what stands for one. */
export const readTokenFile = (
  request: Pick<VaultRequest, "operation">,
  path: string,
  files: FileSystem.FileSystem
): Effect.Effect<string, Denied> =>
  Effect.filterOrFail(
    files.readFileString(path).pipe(
      Effect.map((content) => content.trim()),
      Effect.orElseSucceed(() => "")
    ),
    (content) => headerSafe.test(content),
    () => new Denied({ ...about(request), detail: `the file ${path} doesn't hold a token alone` })
  )

const headerSafe = /^[\x21-\x7e]+$/
