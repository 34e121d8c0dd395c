import { type Rule, rank, rule } from "../Rule.ts"

const { explicit, network, specific, summary, system } = rank

const addDependency = (found: (group: string) => string): string => {
  const module = found("module") || found("other") || found("third")
  return /^[./]/.test(module)
    ? `The file ${module} is imported and not there: commit and COPY it, build it first, or correct the path.`
    : `Add ${module} to package.json's dependencies (and the lockfile), or COPY node_modules' manifest before installing.`
}

const lock = "Run the package manager's install locally and commit the lockfile: it does not fit package.json."

/** npm, yarn, pnpm, and JavaScript and TypeScript themselves. */
export const nodeRules: ReadonlyArray<Rule> = [
  rule(
    "package-missing",
    specific,
    /^npm (?:error|ERR!) 404 +(?:The requested resource )?'(?<package>(?:@[^\s/@]{1,100}\/)?[^\s@']{1,100})(?:@[^\s']{1,60})?' (?:is not in|could not be found)|^npm (?:error|ERR!) 404 +(?<other>\S{1,150}) is not in/i,
    (found) =>
      `npm's registry has no package ${found("package") || found("other")}: correct its name in package.json, or configure the registry that has it.`
  ),
  rule(
    "package-missing",
    specific,
    /^npm (?:error|ERR!) notarget No matching version found for (?<package>\S{1,150}?)\.?$/i,
    "No version matches {package}: name one in package.json that is published."
  ),
  rule(
    "package-missing",
    specific - 1,
    /^npm (?:error|ERR!) code (?:E404|ETARGET)|^error .{0,20}Couldn't find (?:package|any versions for) "(?<package>[^"]{1,120})"|ERR_PNPM_(?:FETCH_404|NO_MATCHING_VERSION)|^error An unexpected error occurred: ".{1,200}: Not found"|YN0035/
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /^npm (?:error|ERR!) (?:ERESOLVE (?:could not resolve|unable to resolve)|While resolving:)|ERR_PNPM_PEER_DEP_ISSUES|^npm (?:error|ERR!) Conflicting peer dependency/i,
    "Let the versions in package.json agree with the peer dependency that npm names, or upgrade the package that asks for the old one."
  ),
  rule("dependency-conflict", specific, /^npm (?:error|ERR!) code ERESOLVE/i),
  rule(
    "dependency-conflict",
    specific + 1,
    /^npm (?:error|ERR!) code EBADENGINE|The engine "node" is incompatible|ERR_PNPM_UNSUPPORTED_ENGINE|^npm (?:error|ERR!) notsup Unsupported (?:engine|platform)|code EBADPLATFORM/i,
    "Use a base image with the Node.js version that the package's engines ask for."
  ),
  rule(
    "dependency-conflict",
    specific + 2,
    /^npm (?:error|ERR!) (?:Missing|Invalid): (?<package>\S{1,150}).{0,60} (?:from|in) lock file/i,
    "Run npm install locally and commit package-lock.json: it does not fit package.json, for {package} is missing there."
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /`?npm ci`? can only install packages when your package\.json and|(?:package-lock\.json|npm-shrinkwrap\.json) (?:are|is) not in sync|ERR_PNPM_OUTDATED_LOCKFILE|frozen-lockfile.{0,80}not up to date|lockfile needs to be updated|lockfile would have been (?:modified|created)/i,
    lock
  ),
  rule(
    "dependency-install",
    specific,
    /npm ci` command can only install with an existing package-lock/i,
    "Commit package-lock.json and COPY it before `npm ci`, or use `npm install`."
  ),
  rule(
    "registry-authentication",
    network + 4,
    /^npm (?:error|ERR!) code E40[13]|^npm (?:error|ERR!) need auth|ERR_PNPM_FETCH_40[13]|code ENEEDAUTH|Unable to authenticate, need: /i,
    "The npm registry refuses the login: give the build a valid token in .npmrc."
  ),
  rule(
    "syntax-error",
    specific + 1,
    /^npm (?:error|ERR!) JSON\.parse|ERR_PNPM_JSON_PARSE|Invalid package\.json|ERR_INVALID_PACKAGE_CONFIG/i,
    "package.json is no valid JSON: mend it at the place that npm names."
  ),
  rule(
    "command-not-found",
    specific,
    /^npm (?:error|ERR!) Missing script: "?(?<script>[^"\s]{1,80})"?|^error Command "(?<other>[^"]{1,80})" not found|ERR_PNPM_NO_SCRIPT|^(?:ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL).{0,20}Command "(?<third>[^"]{1,80})" not found/i,
    (found) =>
      `Add the script ${found("script") || found("other") || found("third")} to package.json's scripts, or call one that it has.`
  ),
  rule(
    "file-missing",
    specific,
    /^npm (?:error|ERR!) (?:enoent )?(?:ENOENT: no such file or directory, open|Could not read package\.json:.{0,60}open) '(?<path>[^']{1,200})'/i,
    "COPY {path} (package.json) into the image before npm runs, or set WORKDIR to where it is."
  ),
  rule("syntax-error", specific, /^npm (?:error|ERR!) code EJSONPARSE/i),
  rule(
    "dependency-install",
    summary + 3,
    /^npm (?:error|ERR!) code (?:ELIFECYCLE|EINTEGRITY|ENOWORKSPACES|EINVALIDPACKAGENAME|EINVALIDTAGNAME|EUNSUPPORTEDPROTOCOL)|^gyp ERR! (?:build|configure) error|^npm (?:error|ERR!) sha\d+-\S{1,100} integrity checksum failed|node-pre-gyp ERR!|prebuild-install ERR!/i
  ),
  rule("dependency-install", summary, /^npm (?:error|ERR!) (?:code \d+$|path \/\S{0,200}node_modules)/i),
  rule(
    "module-missing",
    specific,
    /Cannot find module '(?<module>[^']{1,200})'|Cannot find package '(?<other>[^']{1,200})'|Can't resolve '(?<third>[^']{1,200})'/,
    addDependency
  ),
  rule(
    "module-missing",
    specific - 1,
    /\bMODULE_NOT_FOUND\b|\bERR_MODULE_NOT_FOUND\b|Could not resolve "(?<module>[^"]{1,200})"|Failed to resolve import "(?<other>[^"]{1,200})"|Rollup failed to resolve import "(?<third>[^"]{1,200})"|ERR_PACKAGE_PATH_NOT_EXPORTED|does not provide an export named|ERR_UNKNOWN_BUILTIN_MODULE|No such built-in module/,
    addDependency
  ),
  rule(
    "compile-error",
    specific - 1,
    /^(?<place>\S{1,200}\(\d+,\d+\)|\S{1,200}:\d+:\d+) ?(?:-|:) error TS(?<code>\d+)|error TS\d+: /,
    "Mend the type error at {place}."
  ),
  rule(
    "syntax-error",
    specific - 1,
    /^SyntaxError: (?<message>.{1,150})|\bSyntaxError: (?:Unexpected|Invalid|Missing|missing|Unterminated|Cannot use import|Identifier|await is only|Illegal|Unmatched|Expected)|ParseError: Unexpected|Parsing error: |✘ \[ERROR\] (?:Unexpected|Expected|Unterminated|Syntax)|Expected .{1,30} but found |Module parse failed|JSON\.parse: |in JSON at position|Expression expected/
  ),
  rule("dependency-install", system - 15, /^npm (?:error|ERR!) /i),
  rule("crash", explicit - 8, /ERR_(?:UNHANDLED_REJECTION|WORKER_OUT_OF_MEMORY)|^FATAL ERROR: /)
]
