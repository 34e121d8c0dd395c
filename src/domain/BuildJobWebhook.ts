import { Option } from "effect"
import { type FaultOf, isPrintable, map, mapKey, text } from "./BuildJobText.ts"
import { looksLikeVaultReference, parseVaultReference } from "./vaultReference.ts"

export const webhookUrlFault: FaultOf<string> = (url) => {
  if (/^https?:\/\/[^/?#]*@/i.test(url))
    return "must not hold credentials; put them into webhook_headers as Authorization"
  return url.length <= 2048 && webhookUrl.test(url) && URL.canParse(url)
    ? undefined
    : "must be an http:// or https:// URL of at most 2048 ASCII characters without spaces"
}

export const webhookSecretFault: FaultOf<string> = (secret) => {
  if (!isPrintable(secret, 1024)) return "must have at most 1024 printable characters"
  return looksLikeVaultReference(secret) && Option.isNone(parseVaultReference(secret))
    ? "must be vault:<path>#<field> where it names a secret of Vault's, as vault:secret/data/hooks#key"
    : undefined
}

/** Names by which HTTP frames a message: a value of the caller's would break the delivery. */
const framing = "(?!(?:host|connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|expect)$)"

export const WebhookHeaders = map(
  mapKey(
    new RegExp(`^${framing}[!#$%&'*+.^_\`|~0-9A-Za-z-]{1,128}$`, "i"),
    "an HTTP header name that HTTP itself doesn't set"
  ),
  text({
    fault: (value) =>
      value.length <= 4096 && /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(value)
        ? undefined
        : "must be at most 4096 ASCII characters on one line, without spaces at its ends"
  }),
  32
)

const webhookUrl = /^https?:\/\/[A-Za-z0-9[][\x21\x23-\x5b\x5d-\x7e]*$/
