import { type Rule, rank, rule } from "../Rule.ts"

const { specific, summary } = rank

/** Ruby, PHP and Perl, and formats that several tools parse. */
export const scriptLanguageRules: ReadonlyArray<Rule> = [
  rule(
    "package-missing",
    specific,
    /Could not find (?:a valid )?gem '?(?<package>[\w-]{1,80})|could not be found in (?:any version|rubygems|any of the sources)|ERROR: +Could not find a valid gem|Could not find a matching version of package (?<other>\S{1,100})|Can't locate (?<third>\S{1,100}) \(you may need/i,
    (found) =>
      `Correct the name or version of ${found("package") || found("other") || found("third") || "the package"}, or add the source that has it.`
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /Bundler could not find compatible versions|Your requirements could not be resolved to an installable set|Your Ruby version is .{1,30} but your Gemfile specified|lock file is not up to date|Your lockfile (?:is|does)|your php version \(.{1,30}\) does not satisfy/i,
    "Let the versions in the manifest and its lockfile agree with each other and with the image."
  ),
  rule(
    "module-missing",
    specific,
    /cannot load such file -- (?<module>\S{1,150})|Class "(?<other>[^"]{1,150})" not found|Can't locate (?<third>\S{1,150})\.pm in @INC|Failed opening required '(?<fourth>[^']{1,200})'|module '(?<fifth>[^']{1,100})' not found:/,
    (found) =>
      `Install or COPY ${found("module") || found("other") || found("third") || found("fourth") || found("fifth")}: the program loads it and it is not there.`
  ),
  rule(
    "module-missing",
    specific,
    /ext-(?<extension>\w{1,40}) \*? ?-> it is missing|requires? (?:the )?PHP extension (?<other>\S{1,60})/i,
    "Install the PHP extension {extension} in the image."
  ),
  rule(
    "syntax-error",
    specific + 1,
    /(?:PHP )?Parse error: |syntax error, unexpected|syntax error at \S{1,200} line \d+|\.rb:\d+: syntax error|SyntaxError \(|error parsing (?:yaml|json|toml)|yaml: line \d+|did not find expected|invalid character .{1,20} (?:looking for|after|in)|YAMLException|mapping values are not allowed|parse error: |parse error \(|TOML parse error|xmlParseEntityRef|Non-parseable POM|not well-formed/i,
    "Mend the syntax error at the place that the message names."
  ),
  rule("syntax-error", specific - 3, /\bsyntax error\b/i, "Mend the syntax error at the place that the message names."),
  rule(
    "dependency-install",
    summary + 3,
    /An error occurred while installing (?<gem>\S{1,80})|ERROR: +Failed to build gem native extension/i
  )
]
