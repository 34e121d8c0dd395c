import type { ResolvedJob, ResolvedTest } from "../domain/resolve.ts"
import { mountedPath } from "../domain/vaultReference.ts"
import type { Template } from "./NomadJob.ts"
import type { RegistryLogin } from "./registries.ts"
import type { SpecSettings } from "./SpecSettings.ts"

/** A file a field, with the bare value: nothing has to be quoted, and no shell ever reads it as source. */
export const gitTemplates = (
  job: Pick<ResolvedJob, "git_credentials_path">,
  settings: Mounted
): ReadonlyArray<Template> => {
  const path = job.git_credentials_path
  if (path === undefined) return []
  return gitFields.map(([field, file]) =>
    secretFile(
      file,
      `{{ with secret ${quoted(mountedPath(path, settings.vaultMount))} }}{{ if .Data.data.${field} }}{{ .Data.data.${field} }}{{ end }}{{ end }}`
    )
  )
}

/** An auth file as the registry clients read it. An empty user name stands for an anonymous push. */
export const registryTemplates = (logins: ReadonlyArray<RegistryLogin>, settings: Mounted): ReadonlyArray<Template> => {
  const entries = logins.map((login) => authEntry({ ...login, path: mountedPath(login.path, settings.vaultMount) }))
  return entries.length === 0 ? [] : [secretFile("auth.json", `{"auths": { ${entries.join(",")} }}\n`)]
}

/** An env file a secret. A field that the secret doesn't have gives an empty variable. */
export const testTemplates = (test: Pick<ResolvedTest, "vault_secrets">, settings: Mounted): ReadonlyArray<Template> =>
  test.vault_secrets.map(({ path, fields }, index) => {
    const lines = Object.entries(fields).map(
      ([field, name]) =>
        `${name}={{ if index .Data.data ${quoted(field)} }}{{ index .Data.data ${quoted(field)} | toJSON }}{{ end }}\n`
    )
    const text = `{{ with secret ${quoted(mountedPath(path, settings.vaultMount))} }}${lines.toSorted().join("")}{{ end }}`
    return { ...secretFile(`vault-${index}.env`, text), Envvars: true }
  })

type Mounted = Pick<SpecSettings, "vaultMount">

const gitFields = [
  ["username", "git-username"],
  ["password", "git-password"],
  ["ssh_key", "git-ssh-key"],
  ["known_hosts", "git-known-hosts"]
] as const

/** The spaces keep braces of JSON and of the template apart. */
const authEntry = ({ scope, path }: RegistryLogin): string =>
  `${JSON.stringify(scope)}: { {{ with secret ${quoted(path)} }}{{ if .Data.data.username }}"auth": ` +
  `"{{ printf "%s:%s" .Data.data.username .Data.data.password | base64Encode }}"{{ end }}{{ end }} }`

/** Go reads every escape that JSON writes. Vault paths and fields are validated to need none. */
const quoted = (text: string): string => JSON.stringify(text)

/** Readable by all: a template's file belongs to root, and the steps run as somebody else. */
const secretFile = (name: string, text: string): Template => ({
  EmbeddedTmpl: text,
  DestPath: `secrets/${name}`,
  Perms: "0644",
  ChangeMode: "noop",
  Envvars: false
})
