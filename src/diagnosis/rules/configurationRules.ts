import { type Rule, rank, rule } from "../Rule.ts"

const { explicit, specific } = rank

const setIt = (found: (group: string) => string): string => {
  const name = found("name") || found("other") || found("third") || found("fourth")
  return name === ""
    ? "Give the setting that is missing: as test.env or test.vault_secrets for a test, as ARG or ENV for a build step."
    : `Set ${name}: in test.env (or test.vault_secrets for a secret) for a test, as ARG or ENV for a build step.`
}

/** Settings that a program misses and says so. */
export const configurationRules: ReadonlyArray<Rule> = [
  rule(
    "missing-configuration",
    explicit + 2,
    /(?:environment variables?|env(?:ironment)? ?vars?|env) [`'"(]?\$?(?<name>[A-Z][A-Z0-9_]{1,80})[`'")]? .{0,30}(?:not set|unset|missing|required|undefined|not defined|must be|is empty|not found|not provided)/i,
    setIt
  ),
  rule(
    "missing-configuration",
    explicit + 2,
    /(?:missing|required|undefined|unset|need|requires?|please set|must set|need to set|no value for|not found:?)(?: required| the| mandatory)? (?:environment|env|config(?:uration)?)(?: ?variables?| ?vars?| ?value| ?key| ?setting| ?option)?s?:? ?[`'"$({]{0,2}(?<name>[A-Za-z][A-Za-z0-9_.]{1,80})?/i,
    setIt
  ),
  rule(
    "missing-configuration",
    explicit + 1,
    /\$?\{?\b(?<name>[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60}|[A-Z]{2,40})\}?[`'")]{0,2} (?:is |was |env var |environment variable |variable )?(?:not set|unset|undefined|missing|required|not defined|must be (?:set|provided|defined)|not configured|cannot be empty|must not be empty|is empty|not provided)/,
    setIt
  ),
  rule(
    "missing-configuration",
    explicit + 1,
    /(?:missing|must (?:set|provide|define)|please (?:set|provide)|required:?|requires) \$?\{?[`'"]?(?<name>[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60})/i,
    setIt
  ),
  rule(
    "missing-configuration",
    explicit + 1,
    /\b(?<name>[A-Za-z_]\w{0,80}): (?:unbound variable|parameter (?:not set|null or not set)|parameter not set or null)/,
    setIt
  ),
  rule(
    "missing-configuration",
    explicit + 1,
    /KeyError: '(?<name>[A-Z][A-Z0-9_]{2,80})'|Undefined (?:index|array key) "?(?<other>[A-Z][A-Z0-9_]{2,80})|key not found: "(?<third>[A-Z][A-Z0-9_]{2,80})"|NotPresent|ImproperlyConfigured|settings are not configured|[Ee]nvironment variable not found:? ?[`'"]?(?<fourth>[A-Z][A-Z0-9_]{1,80})?/,
    setIt
  ),
  rule(
    "missing-configuration",
    specific - 6,
    /\b(?:config(?:uration)?|settings)(?: file)?\b.{0,100}\b(?:not found|is missing|does not exist|missing)\b|\b(?:missing|no) (?:required )?(?:config(?:uration)?|settings)\b|no configuration (?:file )?(?:found|provided)|\b(?:missing|required) (?:setting|key)\b|Field required \[type=missing|validation errors? for Settings/i,
    setIt
  ),
  rule(
    "secret-missing",
    explicit + 2,
    /Missing: (?:vault\.\w{1,20}\((?<path>[^)]{1,200})\))|no secret exists at (?<other>\S{1,200})|secret (?<third>\S{1,200}) (?:not found|does not exist)/i,
    (found) =>
      `Write the secret ${found("path") || found("other") || found("third")} to Vault, or correct the path in the job.`
  )
]
