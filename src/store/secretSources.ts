import { Encoding } from "effect"
import type { BuildJob } from "../domain/BuildJob.ts"

/** A secret in Vault that a run's steps are given, or its webhook is signed with. */
export interface SecretSource {
  readonly path: string
  /** A login's user name is no secret, and is in every log; the host keys that stand beside a key are public. */
  readonly kind: "login" | "all"
}

/** The secrets in Vault that a job's steps get; `temporaryLogin` is the service's own, which they get, too. */
export const secretSources = (
  { git_credentials_path: git, registry_credentials_path: registry, test }: BuildJob,
  temporaryLogin: string | undefined
): ReadonlyArray<SecretSource> => {
  const tested = (test?.vault_secrets ?? []).map(({ path }) => path)
  const logins = [git, registry, temporaryLogin].flatMap((path) =>
    path === undefined || path === "" || tested.includes(path) ? [] : [path]
  )
  return [
    ...[...new Set(logins)].map((path): SecretSource => ({ path, kind: "login" })),
    ...[...new Set(tested)].map((path): SecretSource => ({ path, kind: "all" }))
  ]
}

const openFields: ReadonlySet<string> = new Set(["username", "known_hosts"])

/** The values to look for, with the pair that an HTTP login sends and a registry's login file has. */
export const secretValues = (
  { kind }: SecretSource,
  fields: Readonly<Record<string, string>>
): ReadonlyArray<string> => {
  const { password, username } = fields
  const closed = Object.entries(fields).filter(([name]) => kind === "all" || !openFields.has(name))
  const pair = username === undefined || password === undefined || password === "" ? [] : pairOf(username, password)
  return [...closed.map(([, value]) => value), ...pair]
}

const pairOf = (username: string, password: string): ReadonlyArray<string> => {
  const pair = `${username}:${password}`
  return [pair, Encoding.encodeBase64(pair)]
}
