import { Option } from "effect"
import type { BuildJob } from "./BuildJob.ts"
import { type FieldError, fieldError, type FieldPath } from "./FieldError.ts"
import { parseVaultReference } from "./vaultReference.ts"

/** Stands for the job's owner in a prefix that an operator allows. */
export const ownerPlaceholder = "{owner}"

/**
 * The Vault paths of a job that lie below none of the prefixes that an operator allows. Without such prefixes there is no
 * fault: then a job may name whatever the builds' role and the service itself can read, other owners' secrets included.
 */
export const vaultPathFaults = (job: BuildJob, allowed: ReadonlyArray<string>): ReadonlyArray<FieldError> => {
  if (allowed.length === 0) return []
  const prefixes = allowed.flatMap((prefix) => prefixFor(prefix, job.owner))
  return namedVaultPaths(job)
    .filter(({ named }) => !prefixes.some((prefix) => named === prefix || named.startsWith(`${prefix}/`)))
    .map(({ field }) => fieldError(field, `must lie below ${prefixes.join(" or ") || "no path: this owner has none"}`))
}

/** A Vault path in a job, and where it stands. */
export interface NamedVaultPath {
  readonly field: FieldPath
  readonly named: string
}

export const namedVaultPaths = (job: BuildJob): ReadonlyArray<NamedVaultPath> => {
  const { git_credentials_path: git, registry_credentials_path: registry, test, webhook_secret: secret } = job
  const one = (field: string, path: string | undefined): ReadonlyArray<NamedVaultPath> =>
    path === undefined || path === "" ? [] : [{ field: [field], named: path }]
  return [
    ...one("git_credentials_path", git),
    ...one("registry_credentials_path", registry),
    ...(test?.vault_secrets ?? []).map(({ path }, index) => ({
      field: ["test", "vault_secrets", index, "path"],
      named: path
    })),
    ...one("webhook_secret", Option.getOrUndefined(Option.map(parseVaultReference(secret ?? ""), ({ path }) => path)))
  ]
}

/** As Vault's own folders: a slash at the end says no more than none. */
const prefixFor = (prefix: string, owner: string): ReadonlyArray<string> => {
  const folder = prefix.replace(/\/+$/, "")
  if (!folder.includes(ownerPlaceholder)) return [folder]
  return isFolder(owner) ? [folder.replaceAll(ownerPlaceholder, owner)] : []
}

/** One folder, and none that Vault's API has beside those of the owners: who is called so would own them all. */
const isFolder = (owner: string): boolean =>
  /^(?!\.{1,2}$)[A-Za-z0-9._@-]+$/.test(owner) && owner !== "data" && owner !== "metadata"
