import { assert, describe, it } from "@effect/vitest"
import type { Cause } from "../../src/diagnosis/Cause.ts"
import { diagnose } from "../../src/diagnosis/diagnose.ts"
import { statusOf } from "./CorpusCase.ts"

/** Lines that tools are known to end with, each for itself: what they say must be told without any help by its context. */
const spoken: ReadonlyArray<readonly [Cause, string]> = [
  ["package-missing", "E: Package 'python-dev' has no installation candidate"],
  ["package-missing", "  foo (no such package):"],
  ["package-missing", "Error: Unable to find a match: htopp"],
  ["package-missing", "No match for argument: htopp"],
  ["package-missing", "error: target not found: htopp"],
  ["package-missing", "npm ERR! 404  'nope@*' is not in the npm registry."],
  ["package-missing", 'error Couldn\'t find package "nope" on the "npm" registry.'],
  ["package-missing", "ERR_PNPM_FETCH_404  GET https://registry.npmjs.org/nope: Not Found - 404"],
  ["package-missing", "ERROR: Could not find a version that satisfies the requirement nope (from versions: none)"],
  ["package-missing", "error: no matching package named `nope` found"],
  ["package-missing", "Could not find gem 'nope' in rubygems repository https://rubygems.org/ or installed locally."],
  [
    "package-missing",
    "[ERROR] Failed to execute goal on project app: Could not resolve dependencies for project a:b:jar:1"
  ],
  ["package-missing", "   > Could not find com.example:nope:1.0."],
  ["package-missing", "error NU1101: Unable to find package Nope. No packages exist with this id"],
  ["package-missing", "go: github.com/a/b@v9.9.9: invalid version: unknown revision v9.9.9"],
  ["dependency-conflict", "npm ERR! code ERESOLVE"],
  ["dependency-conflict", "npm error code EBADENGINE"],
  ["dependency-conflict", "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/"],
  ["dependency-conflict", 'Bundler could not find compatible versions for gem "rack":'],
  ["dependency-conflict", "go: errors parsing go.mod: go.mod requires go >= 1.23 (running go 1.19)"],
  ["dependency-conflict", "error: failed to select a version for `serde`."],
  ["dependency-conflict", "E: Unable to correct problems, you have held broken packages."],
  ["dependency-install", "error: externally-managed-environment"],
  ["dependency-install", "  ERROR: Failed building wheel for lxml"],
  ["dependency-install", "E: Failed to fetch http://deb.debian.org/debian/pool/x.deb  404  Not Found [IP: 1.2.3.4 80]"],
  ["dependency-install", "E: Failed to fetch http://deb.debian.org/debian/x  Hash Sum mismatch"],
  [
    "dependency-install",
    "W: GPG error: http://x bookworm InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 0E98404D386FA1D9"
  ],
  ["name-resolution", "npm error errno ENOTFOUND"],
  ["name-resolution", "wget: bad address 'nowhere.invalid'"],
  ["name-resolution", "wget: unable to resolve host address 'nowhere.invalid'"],
  ["name-resolution", "dial tcp: lookup proxy.nowhere.invalid on 10.0.0.2:53: no such host"],
  ["name-resolution", "socket.gaierror: [Errno -2] Name or service not known"],
  ["name-resolution", "java.net.UnknownHostException: repo.nowhere.invalid"],
  ["network-unreachable", "curl: (28) Connection timed out after 5001 milliseconds"],
  [
    "network-unreachable",
    'psycopg2.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused'
  ],
  ["network-unreachable", "Error: connect ECONNREFUSED 127.0.0.1:6379"],
  ["network-unreachable", "nc: connect to 10.0.0.1 port 80 (tcp) failed: No route to host"],
  ["network-unreachable", "curl: (22) The requested URL returned error: 503"],
  ["tls-verification", "curl: (60) SSL certificate problem: self-signed certificate"],
  ["tls-verification", "x509: certificate signed by unknown authority"],
  ["tls-verification", "npm error code SELF_SIGNED_CERT_IN_CHAIN"],
  ["tls-verification", "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"],
  ["compile-error", "src/main.rs:4:5: error[E0425]: cannot find value `x` in this scope"],
  ["compile-error", "error[E0308]: mismatched types"],
  ["compile-error", "src/app.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'."],
  ["compile-error", "src/app.ts:3:7 - error TS2322: Type 'string' is not assignable to type 'number'."],
  ["compile-error", "[ERROR] /app/src/main/java/App.java:[3,9] cannot find symbol"],
  ["compile-error", "App.java:3: error: ';' expected"],
  ["compile-error", "Program.cs(1,5): error CS0103: The name 'x' does not exist in the current context"],
  ["compile-error", "/usr/bin/ld: cannot find -lssl: No such file or directory"],
  ["compile-error", "main.cpp:1:10: fatal error: boost/asio.hpp: No such file or directory"],
  ["syntax-error", "SyntaxError: Unexpected token '}'"],
  ["syntax-error", "  SyntaxError: invalid syntax"],
  ["syntax-error", "IndentationError: unexpected indent"],
  ["syntax-error", "/bin/sh: 1: Syntax error: Unterminated quoted string"],
  ["syntax-error", "bash: -c: line 1: syntax error near unexpected token `fi'"],
  ["syntax-error", 'PHP Parse error:  syntax error, unexpected token "}" in /app/a.php on line 3'],
  ["syntax-error", "nginx: yaml: line 3: did not find expected key"],
  ["module-missing", "ModuleNotFoundError: No module named 'flask'"],
  ["module-missing", "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express' imported from /app/index.js"],
  ["module-missing", "Module not found: Error: Can't resolve './App' in '/app/src'"],
  [
    "module-missing",
    "/app/server: error while loading shared libraries: libssl.so.1.1: cannot open shared object file: No such file or directory"
  ],
  ["module-missing", "/usr/bin/python3: No module named pytest"],
  ["module-missing", "cannot load such file -- sinatra (LoadError)"],
  ["command-not-found", "/bin/sh: 1: gcc: not found"],
  ["command-not-found", "/bin/bash: line 1: poetry: command not found"],
  ["command-not-found", "/bin/ash: git: not found"],
  ["command-not-found", "make: gcc: No such file or directory"],
  ["dependency-install", "error: command 'gcc' failed: No such file or directory"],
  ["command-not-found", 'exec: "gcc": executable file not found in $PATH'],
  ["command-not-found", "/usr/bin/env: 'python': No such file or directory"],
  ["command-not-found", "configure: error: no acceptable C compiler found in $PATH"],
  ["command-not-found", 'npm error Missing script: "build"'],
  ["command-not-found", "error: linker `cc` not found"],
  ["file-missing", "python3: can't open file '/app/main.py': [Errno 2] No such file or directory"],
  ["file-missing", "FileNotFoundError: [Errno 2] No such file or directory: '/data/in.csv'"],
  [
    "file-missing",
    "npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/app/package.json'"
  ],
  ["file-missing", "cp: cannot stat '/src/a': No such file or directory"],
  ["file-missing", "make: *** No rule to make target 'all'.  Stop."],
  ["file-missing", "error: could not find `Cargo.toml` in `/app` or any parent directory"],
  ["file-missing", "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'"],
  ["permission-denied", "mkdir: can't create directory '/opt/x': Permission denied"],
  ["permission-denied", "Error: EACCES: permission denied, mkdir '/usr/lib/node_modules'"],
  ["permission-denied", "chown: changing ownership of '/etc/hosts': Operation not permitted"],
  ["permission-denied", "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)"],
  ["permission-denied", "touch: cannot touch '/sys/x': Read-only file system"],
  ["disk-full", "write /var/lib/x: no space left on device"],
  ["disk-full", "npm error code ENOSPC"],
  ["out-of-memory", "MemoryError"],
  ["out-of-memory", "c++: fatal error: Killed signal terminated program cc1plus"],
  ["out-of-memory", "java.lang.OutOfMemoryError: Java heap space"],
  ["out-of-memory", "go build app: /usr/local/go/pkg/tool/compile: signal: killed"],
  ["crash", "Segmentation fault (core dumped)"],
  ["crash", "panic: runtime error: invalid memory address or nil pointer dereference"],
  ["crash", "thread 'main' panicked at src/main.rs:2:5:"],
  ["crash", "terminate called after throwing an instance of 'std::runtime_error'"],
  ["timeout", "panic: test timed out after 30s"],
  ["timeout", '  Error: Timeout of 2000ms exceeded. For async tests and hooks, ensure "done()" is called'],
  ["assertion-failed", "E       assert 1 == 2"],
  ["assertion-failed", "AssertionError: 3 != 4"],
  ["assertion-failed", "    calc_test.go:9: Add(1, 2) = 4, want 3"],
  ["assertion-failed", "  assertion `left == right` failed"],
  ["assertion-failed", "test: main.c:5: main: Assertion `x == 2' failed."],
  ["assertion-failed", "    expect(received).toBe(expected) // Object.is equality"],
  ["assertion-failed", "org.opentest4j.AssertionFailedError: expected: <3> but was: <4>"],
  ["assertion-failed", "not ok 1 - the version is right"],
  ["assertion-failed", "FAIL: expected 200, got 404"],
  ["missing-configuration", "KeyError: 'DATABASE_URL'"],
  ["missing-configuration", "Error: Missing required environment variable: STRIPE_KEY"],
  ["missing-configuration", "sh: 1: API_KEY: parameter not set"],
  ["missing-configuration", "/run.sh: line 2: API_KEY: unbound variable"],
  ["missing-configuration", "FATAL: SECRET_KEY must be set"],
  ["missing-configuration", "Error: Environment variable not found: DATABASE_URL."],
  ["git-authentication", "fatal: could not read Username for 'https://github.com': No such device or address"],
  ["git-ref-missing", "fatal: Remote branch nope not found in upstream origin"],
  ["registry-authentication", "npm error code E401"],
  [
    "dockerfile-syntax",
    "Error: parsing main Dockerfile: /x/Dockerfile: dockerfile parse error on line 3: unknown instruction: FRM"
  ],
  [
    "copy-source-missing",
    'Error: building at STEP "COPY a /": checking on sources under "/x/checkout": copier: stat: "/a": no such file or directory'
  ],
  ["stage-missing", "Error: COPY --from=nope: no stage or image found with that name"]
]

const status = statusOf({ label: "command-failed", phase: "build", reason: "BuildFailed", exit_code: 1, note: "" })

describe("the rules", () => {
  it.each(spoken)("tell %s by «%s»", (cause, line) => {
    const stderr = `setting up\n${line}\nError: building at STEP "RUN x": exit status 1\njobforge: BuildFailed: no\n`
    const diagnosis = diagnose(status, { stdout: Buffer.from("STEP 1/1: RUN x\n"), stderr: Buffer.from(stderr) })
    assert.strictEqual(diagnosis.cause, cause, diagnosis.error?.line)
    assert.strictEqual(diagnosis.error?.number, 2)
  })
})
