import { Option } from "effect"

/** One field of one secret in Vault. */
export interface VaultReference {
  readonly path: string
  readonly field: string
}

/** Whether a secret is meant to be one that Vault has: `vault:<path>#<field>`. */
export const looksLikeVaultReference = (text: string): boolean => text.startsWith(prefix)

/** None for what is no reference, and for one whose path or field can't be. */
export const parseVaultReference = (text: string): Option.Option<VaultReference> => {
  if (!looksLikeVaultReference(text)) return Option.none()
  const [path = "", field = "", ...rest] = text.slice(prefix.length).split("#")
  return isVaultPath(path) && rest.length === 0 && /^[A-Za-z0-9._-]{1,128}$/.test(field)
    ? Option.some({ path, field })
    : Option.none()
}

export const isVaultPath = (path: string): boolean => path.length <= 512 && vaultPath.test(path)

/**
 * A path that names no mount, as the product's users have always written those of credentials, in the mount that it is
 * meant for: Nomad's templates take a path as it stands.
 */
export const mountedPath = (path: string, mount: string): string =>
  path.startsWith("nomad/jobs/") && !path.startsWith(`${mount}/`) ? `${mount}/data/${path}` : path

const prefix = "vault:"

const vaultPath = /^[A-Za-z0-9_][A-Za-z0-9._@-]*(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._@-]+)*$/
