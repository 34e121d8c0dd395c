import { packageOfHeader } from "./debianPackages.ts"
import { type Rule, rank, rule } from "../Rule.ts"

const { specific, summary } = rank

const missingHeader = (found: (group: string) => string): string => {
  const name = packageOfHeader(found("header"))
  return `Install the header ${found("header")} before compiling: add ${name === undefined ? "the -dev package that has it" : `\`${name}\``} to the image's packages, or correct the include path.`
}

/** Go, C and C++, Rust, Java, .NET, and the linkers. */
export const compilerRules: ReadonlyArray<Rule> = [
  // Go
  rule(
    "module-missing",
    specific + 1,
    /no required module provides package (?<module>[^\s;:]{1,200})|cannot find module providing package (?<other>[^\s:]{1,200})|package (?<third>\S{1,200}) is not in (?:std|GOROOT)/,
    (found) =>
      `Add ${found("module") || found("other") || found("third")} to go.mod (go get), or correct the import path.`
  ),
  rule(
    "module-missing",
    specific,
    /missing go\.sum entry|updates to go\.(?:mod|sum) needed|go: inconsistent vendoring/,
    "Run `go mod tidy` and commit go.mod and go.sum."
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /go\.mod requires go >= (?<version>[\d.]{1,20})|requires go >= (?<other>[\d.]{1,20})|invalid go version '(?<third>[^']{1,20})'|note: module requires Go (?<fourth>[\d.]{1,20})|go: download go\S{1,30} for .{1,60}: toolchain not available/i,
    "Use a base image with the Go version that go.mod asks for, or lower it there."
  ),
  rule(
    "package-missing",
    specific + 1,
    /^go: (?:module )?(?<module>[^\s:]{1,200})(?:@[^\s:]{1,100})?: (?:reading \S{1,300}: 4(?:0[0-9]|10)|invalid version|.{0,60}unknown revision|no matching versions|not found)|unknown revision (?<other>\S{1,100})/,
    "go finds no module or version {module}: correct it in go.mod."
  ),
  rule(
    "dependency-install",
    specific + 2,
    /SECURITY ERROR|verifying \S{1,200}: checksum mismatch/,
    "go.sum does not fit what was downloaded: check the dependency, then run `go mod tidy`."
  ),
  rule(
    "file-missing",
    specific,
    /go: go\.mod file not found|no Go files in (?<folder>\S{1,200})|go: cannot find main module|directory \S{1,200} outside (?:main module|available modules)|pattern \S{1,100}: no matching files found/,
    "COPY go.mod and the sources before go runs, and set WORKDIR to where they are."
  ),
  rule(
    "syntax-error",
    specific + 1,
    /^(?:vet: )?(?<place>\S{1,200}\.go:\d+(?::\d+)?): (?:syntax error|expected ['\w]|illegal character|string literal not terminated|non-declaration statement)|go\.mod:\d+: (?:unknown directive|usage:|invalid)|errors parsing go\.mod/,
    "Mend the syntax error at {place}."
  ),
  rule(
    "compile-error",
    specific,
    /^(?:vet: )?(?<place>\.{0,2}\/?[^\s:]{1,200}\.go:\d+:\d+): (?!.{0,40}(?:no required module|cannot find package))/,
    "Mend what the Go compiler says about {place}."
  ),
  // C and C++
  rule(
    "compile-error",
    specific + 1,
    /fatal error: '?(?<header>[\w.+/-]{1,150})'?(?:: No such file or directory| file not found)/,
    missingHeader
  ),
  rule(
    "compile-error",
    specific,
    /^(?<place>[^\s:]{1,200}\.(?:c|cc|cpp|cxx|h|hpp|m|mm|s|S|f90|cu|pyx|zig|swift|kt|kts|scala|hs|ml|d|nim|v):\d+(?::\d+)?): (?:fatal )?error\b/,
    "Mend what the compiler says about {place}."
  ),
  rule(
    "compile-error",
    specific,
    /undefined reference to [`'"](?<symbol>[^`'"]{1,150})|cannot find -l(?<library>[\w.+-]{1,80})|ld returned \d+ exit status|linking failed|unresolved external|duplicate symbol|multiple definition of/,
    (found) =>
      found("library") === ""
        ? `Link what defines ${found("symbol") || "the missing symbol"}: add its source or library to the link command.`
        : `Install the library ${found("library")} with its -dev package (lib${found("library")}-dev) before linking.`
  ),
  rule(
    "package-missing",
    specific,
    /No package '(?<package>[^']{1,100})' found|Package (?<other>\S{1,100}) was not found in the pkg-config search path|Dependency "(?<third>[^"]{1,100})" not found|The system library `(?<fourth>[^`]{1,100})` required by crate/i,
    (found) =>
      `Install the -dev package of the library ${found("package") || found("other") || found("third") || found("fourth")} before this step.`
  ),
  rule(
    "dependency-install",
    specific + 1,
    /^\s*Could NOT find (?<package>\S{1,80})|^\s*Could not find a package configuration file provided by "(?<other>[^"]{1,80})"/,
    (found) =>
      `Install the -dev package of ${found("package") || found("other")} before this step: the configuration does not find it.`
  ),
  rule(
    "compile-error",
    specific - 2,
    /^CMake Error(?: at (?<place>\S{1,150}))?|^configure: error: /,
    "Give the configuration what it does not find: install the -dev package of what the message names."
  ),
  rule("compile-error", summary - 3, /^(?:make|ninja|gmake)(?:\[\d+\])?: \*\*\* |^ninja: build stopped|^FAILED: /),
  rule(
    "file-missing",
    specific - 5,
    /No rule to make target '(?<target>[^']{1,150})'(?:, needed by '(?<by>[^']{1,150})')?|No targets specified and no makefile found|CMake Error: The source directory .{1,200} does not (?:exist|appear)/,
    (found) =>
      found("target") === ""
        ? "COPY the Makefile or CMakeLists.txt before make runs, and set WORKDIR to where it is."
        : `make knows no way to ${found("target")}: COPY the file, or correct the target.`
  ),
  rule(
    "syntax-error",
    specific + 1,
    /Makefile\S{0,60}:\d+: \*\*\* (?:missing separator|unterminated|commands commence)/,
    "Mend the Makefile at the line that make names; recipe lines begin with a tab."
  ),
  // Rust
  rule(
    "package-missing",
    specific + 1,
    /no matching package named `(?<package>[^`]{1,100})` found|failed to select a version for the requirement `(?<other>[^`]{1,100})`/,
    (found) => `crates.io has no ${found("package") || found("other")}: correct it in Cargo.toml.`
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /failed to select a version for `(?<package>[^`]{1,100})`|the lock file .{1,200} needs to be updated but --locked|requires rustc (?<version>[\d.]{1,20})|cannot be built because it requires rustc|feature `edition\d+` is required/,
    "Let the versions in Cargo.toml and Cargo.lock agree with each other and with the image's Rust."
  ),
  rule(
    "file-missing",
    specific,
    /could not find `?Cargo\.toml`?|failed to read `(?<path>[^`]{1,200})`/,
    "COPY Cargo.toml and the sources before cargo runs."
  ),
  rule(
    "compile-error",
    specific,
    /^(?:\S{1,200}:\d+:\d+: )?error\[E\d{4}\]|^error: could not compile `(?<crate>[^`]{1,100})`|^error: (?:expected|cannot find|unresolved|mismatched|unused|aborting due to|linking with)/,
    "Mend what rustc says about the place below the message."
  ),
  // Java and .NET
  rule(
    "package-missing",
    specific + 1,
    /Could not (?:find artifact|resolve dependencies for project) (?<package>\S{1,150})|Could not find (?<other>[\w.-]{1,80}:[\w.-]{1,80}:[\w.-]{1,40})\.?|NU1101: Unable to find package (?<third>\S{1,100})|NU1102|Could not resolve all (?:files|dependencies|artifacts) for configuration|Plugin (?<fourth>\S{1,120}) or one of its dependencies could not be resolved/,
    (found) =>
      `The repositories have no ${found("package") || found("other") || found("third") || found("fourth") || "such artifact"}: correct its name or version, or add the repository that has it.`
  ),
  rule(
    "dependency-conflict",
    specific + 1,
    /NU1107|NU1605|class file has wrong version|UnsupportedClassVersionError|invalid (?:target|source) release: |release version \d+ not supported|Unsupported class file major version/,
    "Use a base image with the version of the platform that the project asks for, or lower what it asks for."
  ),
  rule(
    "compile-error",
    specific,
    /^(?:\[ERROR\] )?(?<place>\S{1,250}\.(?:java|kt|scala|groovy|cs|fs|vb)(?::\[?\d+(?:,\d+)?\]?|\(\d+,\d+\)))(?::)? .{0,20}error\b|^(?<other>\S{1,200}\.java:\d+): error: |^(?:\[ERROR\] )?(?<third>\S{1,250}\.java:\[\d+,\d+\])|error CS\d+|error FS\d+|^e: file:|COMPILATION ERROR|Compilation failed; see the compiler/,
    "Mend what the compiler says about the place that it names."
  ),
  rule(
    "file-missing",
    specific,
    /there is no POM in this directory|MSB1003|does not contain a Gradle build|MSB1009/,
    "COPY the project's build file before this step, and set WORKDIR to where it is."
  ),
  rule(
    "module-missing",
    specific,
    /ClassNotFoundException: (?<module>\S{1,150})|NoClassDefFoundError: (?<other>\S{1,150})|Could not find or load main class (?<third>\S{1,150})|no main manifest attribute/,
    "Put the class that is not found on the class path, or name the right main class."
  ),
  rule(
    "module-missing",
    specific,
    /error while loading shared libraries: (?<library>[^\s:]{1,120})|Error loading shared library (?<other>[^\s:]{1,120})|(?<third>lib[\w.+-]{1,80}\.so[.\d]{0,20}): cannot open shared object file/,
    (found) =>
      `Install the package that has the shared library ${found("library") || found("other") || found("third")} in the final image.`
  ),
  rule(
    "module-missing",
    specific,
    /(?:Error relocating|undefined symbol: |GLIBC_(?<version>[\d.]{1,10})' not found|version `\w{1,20}_[\d.]{1,12}' not found)/,
    "The program was built against another libc or library version: build it in an image of the same base as it runs in."
  )
]
