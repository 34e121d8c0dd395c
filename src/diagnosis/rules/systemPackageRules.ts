import { type Rule, rank, rule } from "../Rule.ts"

const { specific, summary } = rank

const correctName =
  "Correct the package's name in the install list: {package} is in none of the image's package sources."

const unmet =
  "The packages that are asked for exclude each other: drop a pinned version or a conflicting package from the install list."

/** apt, dpkg, apk, dnf, zypper and pacman. */
export const systemPackageRules: ReadonlyArray<Rule> = [
  rule("package-missing", specific, /^E: Unable to locate package (?<package>\S{1,100})/, (found, { step }) =>
    step?.kind === "instruction" && !/\bapt(?:-get|itude)? (?:-\S+ )*update/.test(step.text)
      ? `Run \`apt-get update\` in the same RUN before the install: apt has no lists that could name ${found("package")}.`
      : `Correct ${found("package")} in the install list: no package source of the base image's release has one of that name.`
  ),
  rule(
    "package-missing",
    specific,
    /^E: (?:Couldn't find any package by (?:glob|regex) '(?<package>[^']{1,100})'|Package '(?<other>[^']{1,100})' has no installation candidate)/,
    (found) =>
      `The release of this base image has no package ${found("package") || found("other")}: take the one that replaces it, or another base image.`
  ),
  rule(
    "package-missing",
    specific + 1,
    /^E: Version '(?<version>[^']{1,80})' for '(?<package>[^']{1,100})' was not found/,
    "{package} has no version {version} in the image's package sources: pin one that `apt-cache policy {package}` shows, or none."
  ),
  rule("dependency-conflict", specific + 3, /^The following packages have unmet dependencies/, unmet),
  rule(
    "dependency-conflict",
    specific + 2,
    /^E: Unable to correct problems, you have held broken packages|^E: Unmet dependencies|^E: Error, pkgProblemResolver|conflicting requests$|nothing provides .{1,100} needed by|^error: could not satisfy dependencies|: unable to satisfy dependency/i,
    unmet
  ),
  rule(
    "dependency-install",
    specific + 1,
    /^(?:E: Failed to fetch|Err:\d+) \S{1,300}.{0,60} 404 +Not Found/i,
    "apt's lists are older than the mirror: run `apt-get update` in the same RUN as the install, so that no cached layer keeps old ones.",
    { retryable: true }
  ),
  rule(
    "dependency-install",
    specific + 1,
    /Hash Sum mismatch|File has unexpected size|Mirror sync in progress/i,
    "The mirror was being updated: try again, and use another mirror when it lasts.",
    { retryable: true }
  ),
  rule(
    "dependency-install",
    specific + 1,
    /NO_PUBKEY (?<key>[0-9A-F]{8,40})|The repository '(?<repository>[^']{1,200})' (?:is not signed|does(?: not|n't) have a Release file|no longer has a Release file)|UNTRUSTED signature|GPG check FAILED|is not valid yet/i,
    "A package source can't be trusted or is not there: add its signing key, or correct the source's address and release."
  ),
  rule(
    "dependency-install",
    specific,
    /Do you want to continue\? \[Y\/n\] ?(?:Abort|E:|$)|^Abort\.$|Is this ok \[y\/N\]/,
    "The package manager waits for an answer that nobody gives: add `-y` to the install command."
  ),
  rule(
    "dependency-install",
    summary + 2,
    /^E: Sub-process \S{1,100} returned an error code|^dpkg: error processing|^E: (?:The package|Some index files|Failed to fetch|The method driver|Read error|Malformed entry|Invalid operation|Type '|Conflicting values)|^Errors were encountered while processing/
  ),
  rule("package-missing", specific, /^ {1,4}(?<package>[\w.+-]{1,100}) \(no such package\)/, correctName),
  rule(
    "dependency-conflict",
    specific + 1,
    /^ {1,8}(?:breaks|conflicts|masked in|satisfies): |required by: world\[[^\]]{1,100}[<>=~]/,
    "The versions that are asked for are not in this release of Alpine: drop the pin, or take the base image's release that has them."
  ),
  rule("package-missing", summary, /^ERROR: unable to select packages/),
  rule(
    "package-missing",
    specific,
    /^(?:No match for argument|Error: Unable to find a match|No package) ?:? ?(?<package>[\w.+-]{1,100})|^error: target not found: (?<other>\S{1,100})|^(?:No provider of '|Package ')(?<third>[^']{1,100})' (?:found|not found)/i,
    (found) =>
      `Correct the package's name in the install list: ${found("package") || found("other") || found("third")} is in none of the image's package sources.`
  ),
  rule(
    "dependency-install",
    summary + 2,
    /^ERROR: (?:\S{1,100}: )?(?:BAD|Unable to (?:lock|read) database|trying to overwrite|.{1,80}: IO ERROR)|^Error: (?:Failed to download metadata|Cannot download|Transaction test error)|Cannot find a valid baseurl|All mirrors were tried/i
  )
]
