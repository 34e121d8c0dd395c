import { type BlindCase, text } from "./BlindCase.ts"

/** Tests in containers of the built image. */
export const testCases: ReadonlyArray<BlindCase> = [
  {
    name: "node-test-assertion",
    label: "assertion-failed",
    phase: "test",
    project: "storefront",
    note: "node --test: one assertion of several fails",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY . .
    `,
    files: {
      "package.json": '{ "name": "storefront", "scripts": { "test": "node --test" } }\n',
      "test/price.test.js": text`
        const test = require("node:test")
        const assert = require("node:assert/strict")

        const price = (cents) => (cents / 100).toFixed(2) + " EUR"

        test("an error page has no price", () => assert.ok(true))
        test("prices have two digits", () => assert.equal(price(1999), "19.99 EUR"))
        test("prices have a currency sign", () => {
          console.log("Error: this is only what the shop would log")
          assert.deepEqual({ text: price(500) }, { text: "5.00 \u20ac" })
        })
      `
    },
    test: { commands: ["npm test"] },
    step: { kind: "command", index: 0 },
    errorContains: "Expected values to be strictly deep-equal"
  },
  {
    name: "jest-assertion",
    label: "assertion-failed",
    phase: "test",
    project: "storefront",
    note: "Jest: a diff, a code frame, and npm's words last",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY package.json ./
      RUN npm install --no-audit --no-fund --silent
      COPY . .
    `,
    files: {
      "package.json":
        '{ "name": "storefront", "scripts": { "test": "jest --ci" }, "devDependencies": { "jest": "29.7.0" } }\n',
      "cart.js": "exports.total = (lines) => lines.reduce((sum, line) => sum + line.price, 0)\n",
      "cart.test.js": text`
        const { total } = require("./cart")

        describe("total", () => {
          test("is 0 without lines", () => expect(total([])).toBe(0))
          test("counts quantities", () => {
            console.error("Warning: using a stub of the tax service")
            expect(total([{ price: 5, quantity: 2 }])).toBe(10)
          })
        })
      `
    },
    test: { commands: ["node --version", "npm test"] },
    step: { kind: "command", index: 1 },
    errorContains: "Expected: 10"
  },
  {
    name: "shell-comparison",
    label: "command-failed",
    also: ["assertion-failed"],
    phase: "test",
    project: "notes",
    note: "a comparison by [ ] that fails: no output at all, exit code 1",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN echo 1.4.1 > /srv.version
    `,
    test: { commands: ['[ "$(cat /srv.version)" = "1.4.0" ]'] },
    step: { kind: "command", index: 0 }
  },
  {
    name: "shell-checks",
    label: "assertion-failed",
    also: ["command-failed"],
    phase: "test",
    project: "notes",
    note: "a script of checks that prints what it expected",
    dockerfile: text`
      FROM BASE/busybox:1.35
      COPY check.sh /srv/
    `,
    files: {
      "check.sh": text`
        failures=0
        check() {
          if [ "$2" = "$3" ]; then echo "ok   - $1"; else echo "FAIL - $1: expected '$3', got '$2'"; failures=$((failures+1)); fi
        }
        check "the error page exists" yes yes
        check "the title" "$(echo notes)" "Notes"
        check "port" 8080 8080
        echo "$failures of 3 checks failed"
        exit $failures
      `
    },
    test: { commands: ["sh /srv/check.sh"] },
    step: { kind: "command", index: 0 },
    errorContains: "expected 'Notes', got 'notes'"
  },
  {
    name: "test-without-bash",
    label: "command-not-found",
    phase: "test",
    project: "notes",
    note: "a test by bash in an image of busybox",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN mkdir -p /srv
    `,
    test: { commands: ["bash -c 'set -o pipefail; ls /srv | wc -l'"] },
    step: { kind: "command", index: 0 },
    errorContains: "bash: not found"
  },
  {
    name: "test-unterminated-quote",
    label: "syntax-error",
    phase: "test",
    project: "billing-api",
    note: "a quote is missing in the record's command",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN mkdir -p /srv
    `,
    test: { commands: ["test -d /srv && echo 'all is there"] },
    step: { kind: "command", index: 0 },
    errorContains: "Unterminated quoted string"
  },
  {
    name: "entry-point-not-there",
    label: "entry-point-missing",
    also: ["file-missing", "command-not-found"],
    phase: "test",
    project: "notes",
    note: "ENTRYPOINT names a program that the image doesn't have: no log at all",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN mkdir -p /srv
      ENTRYPOINT ["/usr/local/bin/notes-server", "--port", "8080"]
    `,
    test: { entry_point: true },
    errorContains: "notes-server"
  },
  {
    name: "entry-point-not-executable",
    label: "permission-denied",
    also: ["entry-point-missing"],
    phase: "test",
    project: "notes",
    note: "ENTRYPOINT names a script without its executable bit: no log at all",
    dockerfile: text`
      FROM BASE/busybox:1.35
      COPY start.sh /srv/start.sh
      ENTRYPOINT ["/srv/start.sh"]
    `,
    files: { "start.sh": "#!/bin/sh\necho up\n" },
    test: { entry_point: true },
    errorContains: "permission denied"
  },
  {
    name: "no-entry-point",
    label: "entry-point-missing",
    phase: "test",
    project: "gateway",
    note: "an image with neither ENTRYPOINT nor CMD is to be run as it is",
    dockerfile: text`
      FROM scratch
      COPY index.html /
    `,
    files: { "index.html": "<h1>notes</h1>\n" },
    test: { entry_point: true }
  },
  {
    name: "no-shell-for-the-test",
    label: "command-not-found",
    also: ["entry-point-missing"],
    phase: "test",
    project: "gateway",
    note: "a command is to be tested in an image without a shell: no log at all",
    dockerfile: text`
      FROM BASE/golang:1.26 AS build
      WORKDIR /src
      COPY . .
      RUN CGO_ENABLED=0 go build -o /gateway .

      FROM scratch
      COPY --from=build /gateway /gateway
      ENTRYPOINT ["/gateway"]
    `,
    files: { "go.mod": "module example.com/gateway\n\ngo 1.22\n", "main.go": "package main\n\nfunc main() {}\n" },
    test: { commands: ["/gateway --version"] },
    step: { kind: "command", index: 0 }
  },
  {
    name: "port-taken",
    label: "command-failed",
    also: ["infrastructure", "crash"],
    phase: "test",
    project: "storefront",
    note: "the test's server wants a port that somebody on the node listens on",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY server.js .
      CMD ["node", "server.js"]
    `,
    files: {
      "server.js": text`
        const server = require("http").createServer((request, response) => response.end("ok"))
        server.listen(Number(process.env.PORT), "127.0.0.1", () => {
          console.log("listening")
          setTimeout(() => process.exit(0), 500)
        })
      `
    },
    test: ({ takenPort }) => ({ entry_point: true, env: { PORT: String(takenPort) } }),
    errorContains: "EADDRINUSE"
  },
  {
    name: "fetch-of-an-unknown-host",
    label: "name-resolution",
    phase: "test",
    project: "storefront",
    note: "Node's fetch only says «fetch failed», its cause stands below the stack",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY smoke.js .
    `,
    files: {
      "smoke.js": text`
        const main = async () => {
          console.log("smoke test against", process.env.API)
          const answer = await fetch(process.env.API + "/health")
          if (!answer.ok) throw new Error("not healthy")
        }
        main()
      `
    },
    test: { commands: ["node smoke.js"], env: { API: "http://api.staging.invalid" } },
    step: { kind: "command", index: 0 },
    errorContains: "api.staging.invalid"
  },
  {
    name: "config-not-mounted",
    label: "file-missing",
    also: ["missing-configuration"],
    phase: "test",
    project: "storefront",
    note: "a program without the file that it reads its configuration from",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY server.js .
      CMD ["node", "server.js"]
    `,
    files: {
      "server.js": text`
        const { readFileSync } = require("fs")
        console.log("storefront 2.3.0")
        const config = JSON.parse(readFileSync("/etc/storefront/config.json", "utf8"))
        console.log("listening on", config.port)
      `
    },
    test: { entry_point: true },
    errorContains: "ENOENT: no such file or directory, open '/etc/storefront/config.json'"
  },
  {
    name: "required-setting",
    label: "missing-configuration",
    phase: "test",
    project: "notes",
    note: "a start script insists on a variable: the shell's own message",
    dockerfile: text`
      FROM BASE/busybox:1.35
      COPY start.sh /srv/
      CMD ["sh", "/srv/start.sh"]
    `,
    files: {
      "start.sh": [
        "set -eu",
        "echo 'notes 0.9'",
        ': "${SESSION_SECRET:?environment variable SESSION_SECRET must be set}"',
        "exec httpd -f",
        ""
      ].join("\n")
    },
    test: { entry_point: true },
    errorContains: "SESSION_SECRET"
  },
  {
    name: "test-too-slow",
    label: "timeout",
    phase: "test",
    project: "notes",
    note: "a test waits for ever for something; its limit passes",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN mkdir -p /srv
    `,
    test: {
      commands: [
        "echo waiting for the queue to drain; while true; do echo '0 of 12 messages acknowledged'; sleep 2; done"
      ],
      timeout: "8s"
    },
    step: { kind: "command", index: 0 }
  },
  {
    name: "node-missing-comma",
    label: "syntax-error",
    also: ["crash"],
    phase: "test",
    project: "storefront",
    note: "a comma is missing in an object: the line with SyntaxError stands below the code",
    dockerfile: text`
      FROM BASE/node:20
      WORKDIR /app
      COPY . .
    `,
    files: {
      "check.js": text`
        const settings = {
          currency: "EUR"
          decimals: 2
        }
        console.log(settings)
      `
    },
    test: { commands: ["node check.js"] },
    step: { kind: "command", index: 0 },
    errorContains: "SyntaxError"
  }
]
