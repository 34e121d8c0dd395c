import type { Confidential } from "./encodeRecord.ts"
import { looksLikeVaultReference } from "./vaultReference.ts"

/** What a record says in confidence, as it could turn up in a text. Where Vault has a secret isn't secret itself. */
export const confidentialValues = ({
  webhook_headers: headers = {},
  webhook_secret: secret
}: Confidential): ReadonlyArray<string> => [
  ...(secret === undefined || looksLikeVaultReference(secret) ? [] : [secret]),
  ...Object.entries(headers).flatMap(([name, value]) =>
    openHeaders.has(name.toLowerCase()) ? [] : [value, ...schemeless(value)]
  )
]

/** Headers that say nothing in confidence, and whose values are in any log. */
const openHeaders: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "cache-control",
  "content-type",
  "user-agent"
])

/** `Bearer …` without the word. */
const schemeless = (value: string): ReadonlyArray<string> => {
  const [, credential] = /^[A-Za-z]+ +(\S+)$/.exec(value) ?? []
  return credential === undefined ? [] : [credential]
}
