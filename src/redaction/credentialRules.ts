import type { Span } from "./Span.ts"

/**
 * Secrets that nobody told us of, by the shape of what issues or carries them. Every rule begins with something rare, so
 * that ordinary output costs little, and takes in as much as its shape needs, so that ordinary output stays as it is.
 *
 * The text is bytes, each as the character of its number. No rule looks beyond the end of a line.
 */
export const credentialSpans = (text: string): ReadonlyArray<Span> =>
  rules.flatMap((rule) =>
    Array.from(text.matchAll(rule), ({ 0: match, 1: kept = "", index }) => ({
      start: index + kept.length,
      end: index + match.length
    }))
  )

/** Before a token stands nothing that it could be the end of. It also makes each token be looked at once only. */
const alone = String.raw`(?<![\w-])`

/** Behind a name, in the forms of headers, of dumps of headers, of JSON and of assignments. */
const is = String.raw`\\?["']?[ \t]*[:=][ \t]*(?!["']?\[redacted)\\?["'[]{0,2}`

/** All but blanks and what ends a value or stands for one. A byte beyond ASCII is part of a letter and never a blank. */
const value = String.raw`[^\x00-\x20"'\\,;<>()[\]{}$*]{6,4096}`

const named = (names: string, content = value): RegExp => new RegExp(`((?:${names})${is})${content}`, "g")

const inUser = String.raw`[^\x00-\x20:/?#@"'\x60<>[\]\\]`
const inPassword = String.raw`[^\x00-\x20/?#"'\x60<>[\]\\]`
const atHost = String.raw`(?=@(?!sha\d+:))`

/** Each with what is kept as its first group, if anything is. */
const rules: ReadonlyArray<RegExp> = [
  // A user with a password. An image with a digest looks alike; a variable or a mask in the password's place is none.
  new RegExp(
    String.raw`(://)(?!${inUser}{0,256}:(?:[$<{*]|%[sdv]))${inUser}{0,256}:${inPassword}{1,1024}${atHost}`,
    "g"
  ),
  // A token alone; user names that long are rare.
  new RegExp(String.raw`(://)[\w.~%+-]{24,512}${atHost}`, "g"),
  new RegExp(String.raw`([Aa]uthorization${is}(?:[Bb]earer|[Bb]asic|[Tt]oken)[ \t]+)[\w.~+/=:-]{6,4096}`, "g"),
  named("[Xx]-(?:[Cc]onsul|[Nn]omad|[Vv]ault|[Aa]uth)-[Tt]oken|PRIVATE-TOKEN"),
  named("CONSUL_HTTP_TOKEN|NOMAD_TOKEN|VAULT_TOKEN|VAULT_SECRET_ID"),
  named("AWS_SECRET_ACCESS_KEY|aws_secret_access_key|AWS_SESSION_TOKEN|aws_session_token"),
  // A registry's login in npm's own file.
  named(":_authToken|:_auth|:_password"),
  new RegExp(String.raw`${alone}hv[sbr]\.[\w-]{20,4096}`, "g"),
  /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/g,
  /\bgh[opsur]_[A-Za-z0-9]{36,255}\b/g,
  /\bgithub_pat_\w{22,255}\b/g,
  new RegExp(String.raw`${alone}gl(?:pat|dt|rt|cbt)-[\w.-]{20,255}`, "g"),
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  new RegExp(String.raw`${alone}dckr_pat_[\w-]{20,255}`, "g"),
  new RegExp(String.raw`${alone}xox[abeoprs]-[\w-]{10,255}`, "g"),
  new RegExp(String.raw`${alone}eyJ[\w-]{8,8192}\.eyJ[\w-]{8,8192}\.[\w-]{8,8192}`, "g")
]
