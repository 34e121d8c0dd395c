import { FileSystem } from "@effect/platform"
import { Effect } from "effect"
import { makeRedactor } from "../redaction/Redactor.ts"
import type { Texts } from "../store/Settings.ts"

/** What the service itself is given in confidence by its environment, whoever it is for: none of it may show anywhere. */
export const secretsIn = (environment: Texts): ReadonlyArray<string> =>
  Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && secretName.test(name) ? parts(value) : []
  )

/** The same of the files that it names. One that can't be read is for whoever needs it to complain about. */
export const secretsInFiles = Effect.fnUntraced(function* (
  environment: Texts
): Effect.fn.Return<ReadonlyArray<string>, never, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const named = Object.entries(environment).flatMap(([name, path]) => (path && secretFile.test(name) ? [path] : []))
  const ofTask = environment["NOMAD_SECRETS_DIR"]
  const paths = [...named, ...(ofTask ? [`${ofTask}/vault_token`, `${ofTask}/nomad_token`] : [])]
  const contents = yield* Effect.forEach(paths, (path) => Effect.orElseSucceed(files.readFileString(path), () => ""))
  return contents.flatMap((content) => parts(content.trim()))
})

/** What the environment holds in confidence shows in no last word either. */
export const redactOwnSecrets = (text: string): string => makeRedactor(secretsIn(process.env)).text(text)

const secretName =
  /(?:TOKEN|SECRET|SECRET_ID|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY|_AUTH)$/i

const secretFile = /(?:TOKEN|SECRET|SECRET_ID|PASSWORD|CREDENTIALS)_FILE$/i

/** `user:password` also shows by its second half. */
const parts = (value: string): ReadonlyArray<string> => {
  const [, password] = /^[^:\s]+:(\S+)$/.exec(value) ?? []
  return password === undefined ? [value] : [value, password]
}
