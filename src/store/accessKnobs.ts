import { knob } from "./Knob.ts"
import { integer, oneOf, string, vaultPrefixes } from "./knobParsers.ts"

/** Who may ask what, and how much of it. */
export const accessKnobs = {
  authMode: knob(
    "AUTH_MODE",
    undefined,
    "off",
    oneOf("off", "token", "consul"),
    "Who may do what: everybody everything (off), by the tokens below (token), or as Consul's ACLs decide on the token that each request brings (consul)"
  ),
  authTokens: knob(
    "AUTH_TOKENS",
    "auth_tokens",
    "",
    string,
    "JSON list of those who may ask, each with name, sha256 (of the token), role (read, submit, admin) and owners"
  ),
  authTokensFile: knob("AUTH_TOKENS_FILE", undefined, "", string, "File with more of them, read again when it changes"),
  vaultPaths: knob(
    "VAULT_PATH_PREFIXES",
    "vault/path_prefixes",
    "",
    vaultPrefixes,
    "Below which Vault paths (comma list) the secrets must lie that a job names, with {owner} for its owner: secret/{owner},secret/data/{owner}. Empty: any"
  ),
  rateLimit: knob(
    "RATE_LIMIT",
    "limits/rate",
    "1000",
    integer(0, 1_000_000),
    "Requests a second of one caller, or of one address without authentication. 0: any number"
  ),
  rateBurst: knob(
    "RATE_LIMIT_BURST",
    "limits/burst",
    "5000",
    integer(1, 1_000_000),
    "Requests that it may have saved up"
  ),
  maxWaiters: knob(
    "MAX_WAITERS",
    "limits/waiters",
    "10000",
    integer(1, 1_000_000),
    "Requests that wait for news or follow a stream at the same time, of one replica"
  ),
  maxWaitersPerCaller: knob(
    "MAX_WAITERS_PER_CALLER",
    "limits/waiters_per_caller",
    "5000",
    integer(1, 1_000_000),
    "The same for each caller, or each address"
  )
} as const
