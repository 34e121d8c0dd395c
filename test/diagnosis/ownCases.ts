import type { Cause } from "../../src/diagnosis/Cause.ts"
import type { ResolvedJob } from "../../src/domain/resolve.ts"
import type { Reason } from "../../src/domain/Status.ts"
import type { CorpusCase } from "./CorpusCase.ts"

interface Common {
  readonly name: string
  readonly label: Cause
  readonly note: string
  readonly step?: string
  /** Part of the line that tells most. */
  readonly error?: string
}

interface Sources {
  /** `{base}` stands for the registry and namespace of the base images, `{git}` for the Git server; empty for a repository without one. */
  readonly dockerfile: string
  readonly files?: Readonly<Record<string, string>>
}

export interface BuildFailure extends Common, Sources {
  readonly kind: "build"
  readonly job?: Partial<ResolvedJob>
  readonly secrets?: Readonly<Record<string, string>>
  /** The Git server wants this one. */
  readonly token?: string
  /** It is stopped as for its time limit once it has printed this. */
  readonly stopAfter?: string
}

export interface TestFailure extends Common, Sources {
  readonly kind: "test"
  /** Without one the image's entry point runs. */
  readonly command?: string
  readonly memoryMb?: number
  /** Where Nomad says more than the exit code. */
  readonly reason?: Reason
  readonly message?: string
  readonly stopAfter?: string
}

interface StatusFailure extends Common {
  readonly kind: "status"
  readonly expected: CorpusCase
}

export type OwnCase = BuildFailure | TestFailure | StatusFailure

const build = (
  name: string,
  label: Cause,
  note: string,
  rest: Omit<BuildFailure, keyof Common | "kind"> & { readonly step?: string; readonly error?: string }
): OwnCase => ({
  kind: "build",
  name,
  label,
  note,
  ...rest
})

const test = (
  name: string,
  label: Cause,
  note: string,
  rest: Omit<TestFailure, keyof Common | "kind"> & { readonly step?: string; readonly error?: string }
): OwnCase => ({
  kind: "test",
  name,
  label,
  note,
  ...rest
})

/** Failures that no output tells of: Nomad's and the controller's words are the evidence. */
const status = (name: string, expected: CorpusCase): OwnCase => ({
  kind: "status",
  name,
  label: expected.label,
  note: expected.note,
  expected
})

const lines = (...text: ReadonlyArray<string>): string => `${text.join("\n")}\n`
const slim = (...text: ReadonlyArray<string>): string => lines("FROM {base}/slim:1", ...text)
const tools = (...text: ReadonlyArray<string>): string => lines("FROM {base}/tools:1", "WORKDIR /app", ...text)

const packages: ReadonlyArray<OwnCase> = [
  build("apt-unknown-package", "package-missing", "a package of no Debian", {
    dockerfile: slim("RUN apt-get update && apt-get install -y --no-install-recommends libwebp-turbo9 jq"),
    step: "apt-get install",
    error: "Unable to locate package libwebp-turbo9"
  }),
  build("apt-without-update", "package-missing", "an install without the lists", {
    dockerfile: slim("RUN echo preparing", "RUN apt-get install -y jq"),
    step: "apt-get install -y jq",
    error: "Unable to locate package jq"
  }),
  build("apt-no-yes", "dependency-install", "apt asks and nobody answers", {
    dockerfile: slim("RUN apt-get update && apt-get install jq"),
    error: "Abort."
  }),
  build("apt-pinned-version", "package-missing", "a version that is not there any more", {
    dockerfile: slim("RUN apt-get update && apt-get install -y jq=1.4-99"),
    error: "Version '1.4-99' for 'jq' was not found"
  }),
  build("apt-conflict", "dependency-conflict", "two packages that exclude each other", {
    dockerfile: slim("RUN apt-get update && apt-get install -y systemd-sysv sysvinit-core"),
    step: "systemd-sysv"
  }),
  build("apt-name-resolution", "name-resolution", "a mirror whose name does not resolve", {
    dockerfile: slim(
      "RUN echo 'deb http://deb.nowhere.invalid/debian bookworm main' >/etc/apt/sources.list",
      "RUN apt-get update && apt-get install -y jq"
    ),
    error: "deb.nowhere.invalid"
  }),
  build("npm-unknown-package", "package-missing", "a dependency that nobody published", {
    dockerfile: tools("COPY package.json .", "RUN npm install"),
    files: { "package.json": '{"name":"app","version":"1.0.0","dependencies":{"left-pad-of-nobody-9131":"^1.0.0"}}' },
    step: "npm install",
    error: "left-pad-of-nobody-9131"
  }),
  build("npm-unknown-version", "package-missing", "a version that nobody published", {
    dockerfile: tools("COPY package.json .", "RUN npm install --no-audit"),
    files: { "package.json": '{"name":"app","version":"1.0.0","dependencies":{"is-odd":"^99.0.0"}}' },
    error: "is-odd@^99.0.0"
  }),
  build("npm-peer-conflict", "dependency-conflict", "peer dependencies that exclude each other", {
    dockerfile: tools("COPY package.json .", "RUN npm install"),
    files: {
      "package.json": '{"name":"app","version":"1.0.0","dependencies":{"react":"17.0.2","react-dom":"18.2.0"}}'
    },
    error: "ERESOLVE"
  }),
  build("npm-lock-out-of-sync", "dependency-conflict", "a lockfile older than package.json", {
    dockerfile: tools("COPY package.json package-lock.json ./", "RUN npm ci"),
    files: {
      "package.json": '{"name":"app","version":"1.0.0","dependencies":{"is-odd":"3.0.1"}}',
      "package-lock.json":
        '{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"}}}'
    },
    error: "Missing: is-odd"
  }),
  build("npm-bad-json", "syntax-error", "a comma too many in package.json", {
    dockerfile: tools("COPY package.json .", "RUN npm install"),
    files: { "package.json": '{"name":"app","version":"1.0.0",}' },
    error: "JSON"
  }),
  build("npm-missing-script", "command-not-found", "a script that package.json doesn't have", {
    dockerfile: tools("COPY package.json .", "RUN npm run bundle"),
    files: { "package.json": '{"name":"app","version":"1.0.0","scripts":{"build":"true"}}' },
    error: "Missing script"
  }),
  build("pip-unknown-package", "package-missing", "a requirement that nobody published", {
    dockerfile: tools("COPY requirements.txt .", "RUN pip install -r requirements.txt"),
    files: { "requirements.txt": "nobody-has-this-package-9131==1.0\n" },
    error: "nobody-has-this-package-9131"
  }),
  build("pip-conflict", "dependency-conflict", "pinned versions that exclude each other", {
    dockerfile: tools("COPY requirements.txt .", "RUN pip install -r requirements.txt"),
    files: { "requirements.txt": "requests==2.31.0\nidna==2.0\n" }
  }),
  build("pip-without-headers", "dependency-install", "a package to be compiled without what it needs", {
    dockerfile: tools("RUN pip install --no-binary :all: psycopg2==2.9.9"),
    error: "pg_config"
  }),
  build("pip-tls", "tls-verification", "an index whose certificate nobody signed", {
    dockerfile: tools("RUN : >/etc/ssl/certs/ca-certificates.crt", "RUN pip install --retries 0 six"),
    step: "pip install"
  })
]

const compilers: ReadonlyArray<OwnCase> = [
  build("gcc-undeclared", "compile-error", "a variable that was never declared", {
    dockerfile: tools("COPY . .", "RUN make"),
    files: {
      Makefile: "app: main.o\n\tgcc -o app main.o\nmain.o: main.c\n\tgcc -Wall -c main.c\n",
      "main.c": "int main(void) {\n  int unused = 1;\n  return cuont;\n}\n"
    },
    step: "RUN make",
    error: "main.c:3:10: error"
  }),
  build("gcc-missing-header", "compile-error", "a header of a library that isn't installed", {
    dockerfile: tools("COPY main.c .", "RUN gcc -o app main.c -lcrypto"),
    files: { "main.c": "#include <openssl/sha.h>\nint main(void) { return 0; }\n" },
    error: "openssl/sha.h"
  }),
  build("gcc-undefined-reference", "compile-error", "a function that nobody defines", {
    dockerfile: tools("COPY main.c .", "RUN gcc -o app main.c"),
    files: { "main.c": "int compute(int);\nint main(void) { return compute(1); }\n" },
    error: "undefined reference"
  }),
  build("make-without-rule", "file-missing", "a source file that wasn't committed", {
    dockerfile: tools("COPY . .", "RUN make app"),
    files: { Makefile: "app: main.o util.o\n\tgcc -o app main.o util.o\n", "main.c": "int main(void) { return 0; }\n" },
    error: "No rule to make target 'util.o'"
  }),
  build("go-undefined", "compile-error", "a function that nobody defines", {
    dockerfile: tools("COPY . .", "RUN go build -o /app/server ."),
    files: {
      "go.mod": "module app\n\ngo 1.20\n",
      "main.go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println(greeting())\n}\n'
    },
    error: "main.go:6:14: undefined: greeting"
  }),
  build("go-missing-module", "module-missing", "an import that go.mod doesn't have", {
    dockerfile: tools("COPY . .", "RUN go build -o /app/server ."),
    files: {
      "go.mod": "module app\n\ngo 1.20\n",
      "main.go": 'package main\n\nimport "github.com/google/uuid"\n\nfunc main() {\n\t_ = uuid.New()\n}\n'
    },
    error: "github.com/google/uuid"
  }),
  build("go-unknown-version", "package-missing", "a version of a module that was never tagged", {
    dockerfile: tools("COPY . .", "RUN go mod download"),
    files: {
      "go.mod": "module app\n\ngo 1.20\n\nrequire github.com/google/uuid v1.99.0\n",
      "main.go": "package main\n\nfunc main() {}\n"
    },
    error: "v1.99.0"
  }),
  build("go-syntax", "syntax-error", "a brace too few", {
    dockerfile: tools("COPY . .", "RUN go vet ./... && go build ."),
    files: { "go.mod": "module app\n\ngo 1.20\n", "main.go": "package main\n\nfunc main() {\n\tif true {\n}\n" }
  }),
  build("typescript-type-error", "compile-error", "a string where a number belongs", {
    dockerfile: tools(
      "COPY . .",
      "RUN npm install --no-audit --no-fund typescript@5.4.5",
      "RUN npx tsc --noEmit --strict main.ts"
    ),
    files: {
      "package.json": '{"name":"app","version":"1.0.0"}',
      "main.ts": 'export const add = (a: number, b: number): number => a + b\nadd("1", 2)\n'
    },
    step: "npx tsc",
    error: "TS2345"
  }),
  build("node-missing-module", "module-missing", "a build script that imports what isn't a dependency", {
    dockerfile: tools("COPY build.js .", "RUN node build.js"),
    files: { "build.js": 'const chalk = require("chalk")\nconsole.log(chalk.red("x"))\n' },
    error: "Cannot find module 'chalk'"
  }),
  build("python-syntax", "syntax-error", "a colon too few", {
    dockerfile: tools("COPY . .", "RUN python3 -m compileall -q . && python3 setup_data.py"),
    files: { "setup_data.py": "import os\n\ndef load(path)\n    return open(path)\n" },
    error: "SyntaxError"
  }),
  build("shell-syntax", "syntax-error", "an if without its fi", {
    dockerfile: tools("COPY configure.sh .", "RUN sh configure.sh"),
    files: { "configure.sh": 'set -e\nif [ -d /etc ]; then\n  echo "yes"\n' },
    error: "configure.sh"
  })
]

const instructions: ReadonlyArray<OwnCase> = [
  build("copy-missing", "copy-source-missing", "a file that wasn't committed", {
    dockerfile: slim("RUN echo first", "COPY config/app.yaml /etc/app.yaml"),
    step: "COPY config/app.yaml",
    error: "config/app.yaml"
  }),
  build("copy-ignored", "copy-source-missing", "a file that .dockerignore excludes", {
    dockerfile: slim("COPY dist/ /app/"),
    files: { ".dockerignore": "dist\n", "dist/app.js": "1\n" },
    step: "COPY dist/"
  }),
  build("unknown-instruction", "dockerfile-syntax", "an instruction with a letter too many", {
    dockerfile: slim("RUNN echo hello"),
    error: "RUNN"
  }),
  build("no-from", "dockerfile-syntax", "a Dockerfile without FROM", { dockerfile: "RUN echo hello\n" }),
  build("env-without-value", "dockerfile-syntax", "an ENV that nobody can read", {
    dockerfile: slim("ENV GREETING hello WORLD", "ENV ONLY"),
    error: "ENV"
  }),
  build("stage-missing", "stage-missing", "a stage with another name", {
    dockerfile: lines(
      "FROM {base}/slim:1 AS builder",
      "RUN echo built >/out",
      "FROM {base}/slim:1",
      "COPY --from=biulder /out /out"
    ),
    step: "COPY --from=biulder"
  }),
  build("second-stage-fails", "command-not-found", "the failing step is in the first of two stages", {
    dockerfile: lines(
      "FROM {base}/slim:1 AS assets",
      "RUN echo start",
      "RUN yarn build",
      "FROM {base}/slim:1",
      "COPY --from=assets /out /out"
    ),
    step: "RUN yarn build",
    error: "yarn"
  }),
  build("base-missing", "base-image-missing", "a tag that the registry doesn't have", {
    dockerfile: lines("FROM {base}/slim:13"),
    step: "FROM"
  }),
  build("base-unreachable", "base-image-unreachable", "a registry that isn't there", {
    dockerfile: lines("FROM 127.0.0.1:9/team/base:1", "RUN true"),
    step: "FROM 127.0.0.1:9/team/base:1"
  }),
  build("dockerfile-missing", "dockerfile-missing", "a repository without a Dockerfile", {
    dockerfile: "",
    files: { "README.md": "hello\n" }
  }),
  build("context-missing", "context-missing", "a context that isn't in the repository", {
    dockerfile: slim(),
    job: { dockerfile_context: "service" }
  })
]

const commands: ReadonlyArray<OwnCase> = [
  build("command-not-found", "command-not-found", "a tool that the base doesn't have", {
    dockerfile: slim("RUN curl -fsSL https://example.com/install.sh -o /tmp/install.sh"),
    error: "curl: not found"
  }),
  build("script-not-executable", "permission-denied", "a script without its x bit", {
    dockerfile: slim("COPY build.sh /build.sh", "RUN /build.sh"),
    files: { "build.sh": "#!/bin/sh\necho hello\n" },
    error: "/build.sh: Permission denied"
  }),
  build("user-may-not-write", "permission-denied", "a folder of root's, and a user who isn't", {
    dockerfile: slim("USER nobody", "RUN mkdir -p /opt/app/cache && echo 1 >/opt/app/cache/x"),
    error: "/opt/app"
  }),
  build("windows-line-ends", "command-not-found", "a script with carriage returns", {
    dockerfile: tools("COPY run.sh /run.sh", "RUN chmod +x /run.sh && /run.sh"),
    files: { "run.sh": "#!/usr/bin/env bash\r\necho hello\r\n" }
  }),
  build("file-missing", "file-missing", "a file that an earlier step should have made", {
    dockerfile: slim("RUN cat /etc/app/version.txt >/version"),
    error: "/etc/app/version.txt"
  }),
  build("connection-refused", "network-unreachable", "a server that isn't there", {
    dockerfile: tools("RUN curl -fsS http://127.0.0.1:9/artifact.tar.gz -o a.tar.gz"),
    error: "127.0.0.1"
  }),
  build("curl-name-resolution", "name-resolution", "a host that doesn't exist", {
    dockerfile: tools("RUN curl -fsSL https://artifacts.nowhere.invalid/a.tar.gz | tar xz"),
    error: "artifacts.nowhere.invalid"
  }),
  build("disk-full", "disk-full", "a device without room", {
    dockerfile: slim("RUN dd if=/dev/zero of=/dev/full bs=1M count=8 && echo done"),
    error: "No space left on device"
  }),
  build("node-heap", "out-of-memory", "a heap that is too small", {
    dockerfile: tools("COPY bundle.js .", "RUN node --max-old-space-size=24 bundle.js"),
    files: { "bundle.js": 'const all = []\nfor (;;) all.push(new Array(1000).fill(all.length).join("-"))\n' },
    error: "heap out of memory"
  }),
  build("killed-step", "out-of-memory", "a step that was killed", {
    dockerfile: slim("RUN echo linking; sh -c 'kill -9 $$'"),
    step: "RUN echo linking"
  }),
  build("segfault", "crash", "a program that reads where nothing is", {
    dockerfile: tools("COPY main.c .", "RUN gcc -o generate main.c && ./generate >table.c"),
    files: { "main.c": "int main(void) { volatile int *p = 0; return *p; }\n" }
  }),
  build("private-clone", "git-authentication", "a RUN that clones what wants a login", {
    dockerfile: tools("RUN GIT_TERMINAL_PROMPT=0 git clone -q {git}/secret-library.git /src/library"),
    token: "right-token",
    secrets: { "git-password": "right-token" },
    step: "git clone"
  }),
  build("own-words", "command-failed", "a script that says in its own words why it gives up", {
    dockerfile: slim("RUN echo checking the licence; echo 'licence has run out' >&2; exit 42"),
    step: "checking the licence"
  }),
  build("hangs", "timeout", "a step that never ends", {
    dockerfile: slim("RUN echo waiting for the database; while :; do sleep 1; done"),
    stopAfter: "waiting for the database",
    step: "waiting for the database"
  })
]

const repositories: ReadonlyArray<OwnCase> = [
  build("unknown-branch", "git-ref-missing", "a branch that isn't there", {
    dockerfile: slim(),
    job: { git_ref: "mian" },
    step: "checkout"
  }),
  build("unknown-repository", "git-repository-missing", "a repository that isn't there", {
    dockerfile: slim(),
    job: { repo_url: "{git}/no-such-repository.git" }
  }),
  build("git-login", "git-authentication", "a token that isn't the right one", {
    dockerfile: slim(),
    token: "right-token",
    secrets: { "git-password": "wrong-token" },
    job: { git_credentials_path: "secret/data/ci/git" }
  }),
  build("git-unreachable", "git-unreachable", "a server that isn't there", {
    dockerfile: slim(),
    job: { repo_url: "http://127.0.0.1:9/app.git" }
  }),
  build("registry-unreachable", "registry-unreachable", "a registry that isn't there", {
    dockerfile: lines("FROM scratch", "COPY hello /"),
    files: { hello: "hello\n" },
    job: { registry_url: "127.0.0.1:9" },
    step: "push"
  })
]

const nodeTest = (body: string): Readonly<Record<string, string>> => ({
  "package.json": '{"name":"app","version":"1.0.0","type":"module","scripts":{"test":"node --test"}}',
  "sum.js": "export const sum = (a, b) => a - b\n",
  "sum.test.js": body
})

const tests: ReadonlyArray<OwnCase> = [
  test("node-assertion", "assertion-failed", "a sum that is a difference", {
    dockerfile: tools("COPY . ."),
    files: nodeTest(
      'import test from "node:test"\nimport assert from "node:assert"\nimport { sum } from "./sum.js"\ntest("knows nothing", () => assert.equal(sum(0, 0), 0))\ntest("adds", () => assert.equal(sum(1, 2), 3))\n'
    ),
    command: "npm test",
    step: "npm test"
  }),
  test("node-missing-import", "module-missing", "a test that imports what isn't there", {
    dockerfile: tools("COPY . ."),
    files: nodeTest(
      'import test from "node:test"\nimport { product } from "./product.js"\ntest("multiplies", () => product(1, 2))\n'
    ),
    command: "npm test",
    error: "product.js"
  }),
  test("node-missing-setting", "missing-configuration", "a server without its database's address", {
    dockerfile: tools("COPY server.js .", 'ENTRYPOINT ["node", "server.js"]'),
    files: {
      "server.js":
        'const url = process.env.DATABASE_URL\nif (!url) throw new Error("DATABASE_URL is not set")\nconsole.log("listening")\n'
    },
    error: "DATABASE_URL is not set"
  }),
  test("node-refused", "network-unreachable", "a database that isn't there", {
    dockerfile: tools("COPY check.js ."),
    files: {
      "check.js": 'require("node:net").connect(9, "127.0.0.1").on("connect", () => process.exit(0))\n'
    },
    command: "node check.js",
    error: "ECONNREFUSED 127.0.0.1:9"
  }),
  test("pytest-assertion", "assertion-failed", "a pytest assertion", {
    dockerfile: tools("COPY . ."),
    files: {
      "app.py": "def slug(text):\n    return text.replace(' ', '_')\n",
      "test_app.py":
        "from app import slug\n\ndef test_slug():\n    assert slug('a b') == 'a-b'\n\ndef test_empty():\n    assert slug('') == ''\n"
    },
    command: "python3 -m pytest -q",
    error: "a_b"
  }),
  test("pytest-missing-module", "module-missing", "a requirement that wasn't installed", {
    dockerfile: tools("COPY . ."),
    files: { "app.py": "import yaml_of_nobody\n", "test_app.py": "import app\n\ndef test_app():\n    assert app\n" },
    command: "python3 -m pytest -q",
    error: "yaml_of_nobody"
  }),
  test("pytest-missing-setting", "missing-configuration", "a key that the environment doesn't have", {
    dockerfile: tools("COPY . ."),
    files: { "test_app.py": "import os\n\ndef test_key():\n    assert os.environ['API_TOKEN_NAME']\n" },
    command: "python3 -m pytest -q",
    error: "API_TOKEN_NAME"
  }),
  test("unittest-assertion", "assertion-failed", "a unittest assertion", {
    dockerfile: tools("COPY . ."),
    files: {
      "test_app.py":
        "import unittest\n\nclass AppTest(unittest.TestCase):\n    def test_total(self):\n        self.assertEqual(sum([1, 2]), 4)\n"
    },
    command: "python3 -m unittest",
    error: "3 != 4"
  }),
  test("go-test-assertion", "assertion-failed", "a go test that compares", {
    dockerfile: tools("COPY . ."),
    files: {
      "go.mod": "module app\n\ngo 1.20\n",
      "app_test.go":
        'package app\n\nimport "testing"\n\nfunc TestDouble(t *testing.T) {\n\tif got := 2 * 2; got != 5 {\n\t\tt.Fatalf("double(2) = %d, want %d", got, 5)\n\t}\n}\n'
    },
    command: "go test ./...",
    error: "want 5"
  }),
  test("go-panic", "crash", "an index beyond the end", {
    dockerfile: tools("COPY . .", "RUN go build -o /server .", 'CMD ["/server"]'),
    files: {
      "go.mod": "module app\n\ngo 1.20\n",
      "main.go":
        'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tfmt.Println("reading", os.Args[1])\n}\n'
    },
    error: "index out of range"
  }),
  test("shell-comparison", "assertion-failed", "a shell test that compares", {
    dockerfile: slim("RUN echo 1.2.3 >/version"),
    command: 'v=$(cat /version); if [ "$v" != 2.0.0 ]; then echo "FAIL: expected version 2.0.0, got $v"; exit 1; fi',
    error: "expected version 2.0.0, got 1.2.3"
  }),
  test("shell-silent", "command-failed", "a command that says nothing", {
    dockerfile: slim(),
    command: "test -e /var/lib/app/ready"
  }),
  test("shell-unset-variable", "missing-configuration", "a variable that the shell insists on", {
    dockerfile: slim(),
    command: 'set -eu; echo "connecting to $DB_HOST"',
    error: "DB_HOST"
  }),
  test("test-tool-missing", "command-not-found", "a test runner that isn't in the image", {
    dockerfile: slim(),
    command: "pytest -q tests",
    error: "pytest: not found"
  }),
  test("test-out-of-memory", "out-of-memory", "a test that takes more memory than it may", {
    dockerfile: tools("COPY . ."),
    files: { "load.py": "data = []\nprint('loading', flush=True)\nwhile True:\n    data.append(bytearray(1 << 20))\n" },
    command: "python3 load.py",
    memoryMb: 64
  }),
  test("test-out-of-memory-seen", "out-of-memory", "the same, and the driver saw it", {
    dockerfile: tools("COPY . ."),
    files: { "load.py": "data = []\nprint('loading', flush=True)\nwhile True:\n    data.append(bytearray(1 << 20))\n" },
    command: "python3 load.py",
    memoryMb: 64,
    reason: "OutOfMemory",
    message: 'killed for want of memory (Docker container exited with non-zero exit code: 137, "OOM Killed")'
  }),
  test("test-aborts", "crash", "a program that ends itself", {
    dockerfile: tools("COPY main.c .", "RUN gcc -o /check main.c"),
    files: {
      "main.c":
        '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { fputs("state is corrupt\\n", stderr); abort(); }\n'
    },
    command: "/check"
  }),
  test("test-hangs", "timeout", "a test that waits for what never comes", {
    dockerfile: slim(),
    command: "echo waiting for port 5432; while :; do sleep 1; done",
    stopAfter: "waiting for port",
    reason: "Timeout",
    message: "the test ran longer than 5 s"
  }),
  test("python-traceback", "crash", "an exception that nobody caught", {
    dockerfile: tools("COPY . ."),
    files: { "report.py": "def ratio(a, b):\n    return a / b\n\nprint('ratio', ratio(1, 0))\n" },
    command: "python3 report.py",
    error: "ZeroDivisionError"
  })
]

const statuses: ReadonlyArray<OwnCase> = [
  status("no-node-fits", {
    label: "unplaceable",
    phase: "build",
    reason: "Unplaceable",
    message: `Nomad can't place the job: Dimension "memory" exhausted on 3 nodes`,
    config: { resource_limits: { build: { memory: "65536" } } },
    note: "more memory than any node has"
  }),
  status("no-gpu-node", {
    label: "unplaceable",
    phase: "test",
    command: "nvidia-smi",
    reason: "Unplaceable",
    message: `Nomad can't place the job: Constraint "\${meta.gpu-capable} = true": 3 nodes excluded by filter`,
    config: { test: { commands: ["nvidia-smi"], gpu_required: true } },
    note: "a test that needs a GPU where there is none"
  }),
  status("secret-missing", {
    label: "secret-missing",
    phase: "build",
    reason: "SecretUnavailable",
    message: "the task waits for a secret: Missing: vault.read(secret/data/ci/registry)",
    config: { registry_credentials_path: "secret/data/ci/registry" },
    note: "a Vault path without a secret"
  }),
  status("entry-point-missing", {
    label: "entry-point-missing",
    phase: "test",
    reason: "DriverFailure",
    entry_point: true,
    message:
      'Failed to start container 5f1d: API error (400): failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/app/server": stat /app/server: no such file or directory: unknown',
    note: "Docker's words when the ENTRYPOINT isn't in the image"
  }),
  status("killed-by-user", {
    label: "cancelled",
    phase: "build",
    reason: "Cancelled",
    message: "Job killed by user",
    note: "a kill"
  }),
  status("newer-generation", {
    label: "superseded",
    phase: "build",
    reason: "Superseded",
    message: "a newer generation of the record took over",
    note: "the record changed"
  }),
  status("slot-taken", {
    label: "slot-taken",
    reason: "SlotTaken",
    message: "teams/engine (job 8a4b2a9e-7a3f-5d52-9f3b-2f0d2a1c4e12) holds the same image",
    note: "on_conflict: reject"
  }),
  status("queue-timeout", {
    label: "queue-timeout",
    phase: "build",
    reason: "QueueTimeout",
    message: "waited too long in Nomad's queue",
    note: "a full cluster"
  }),
  status("node-lost", {
    label: "infrastructure",
    phase: "build",
    reason: "ChildLost",
    message: "alloc is lost since its node is down",
    note: "a node that went away"
  }),
  status("invalid-record", {
    label: "invalid-spec",
    reason: "InvalidSpec",
    message: "image_name is required; registry_url must be host[:port][/namespace] in lower case",
    note: "a record that can't be built"
  })
]

/** This half of the corpus. The other is made by somebody else, who hasn't seen the classifier. */
export const ownCases: ReadonlyArray<OwnCase> = [
  ...packages,
  ...compilers,
  ...instructions,
  ...commands,
  ...repositories,
  ...tests,
  ...statuses
]
