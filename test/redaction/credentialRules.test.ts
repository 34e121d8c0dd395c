import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { makeRedactor } from "../../src/redaction/Redactor.ts"

const { bytes, stream, text } = makeRedactor([])

/** Put together here, so that no scanner of sources takes them for real ones. */
const join2 = (...parts: ReadonlyArray<string>): string => parts.join("")
const letters = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"

const found: ReadonlyArray<readonly [string, string]> = [
  [
    "fatal: unable to access 'https://bob:s3cret!@git.example.com/x.git/': 403",
    "fatal: unable to access 'https://[redacted]@git.example.com/x.git/': 403"
  ],
  ["cloning https://x-access-token:abc@host/x", "cloning https://[redacted]@host/x"],
  ["postgres://app:p@ss:w@rd@db:5432/app", "postgres://[redacted]@db:5432/app"],
  ["redis://:topsecret@cache:6379", "redis://[redacted]@cache:6379"],
  [`https://${letters}@git.example.com/x`, "https://[redacted]@git.example.com/x"],
  ["> Authorization: Basic dXNlcjpwYXNz", "> Authorization: Basic [redacted]"],
  ["authorization: bearer abc.def-123", "authorization: bearer [redacted]"],
  [`{"Authorization":"Bearer abcdef123"}`, `{"Authorization":"Bearer [redacted]"}`],
  [String.raw`{\"Authorization\": \"token abcdef123\"}`, String.raw`{\"Authorization\": \"token [redacted]\"}`],
  ["map[Authorization:[Bearer abcdef123]]", "map[Authorization:[Bearer [redacted]]]"],
  ["X-Consul-Token: 3f6c9dd2-7a1e", "X-Consul-Token: [redacted]"],
  ["x-nomad-token: 3f6c9dd2-7a1e", "x-nomad-token: [redacted]"],
  [`"X-Vault-Token": ["s.abcdefg"]`, `"X-Vault-Token": ["[redacted]"]`],
  ["PRIVATE-TOKEN: abcdef123", "PRIVATE-TOKEN: [redacted]"],
  ["export VAULT_TOKEN='abcdef123'", "export VAULT_TOKEN='[redacted]'"],
  ["CONSUL_HTTP_TOKEN=abcdef123 consul kv get x", "CONSUL_HTTP_TOKEN=[redacted] consul kv get x"],
  [`aws_secret_access_key = ${letters}`, "aws_secret_access_key = [redacted]"],
  ["//registry.npmjs.org/:_authToken=abcdef-123", "//registry.npmjs.org/:_authToken=[redacted]"],
  [join2("hv", "s.CAESIJ", letters), "[redacted]"],
  [join2("token AK", "IAIOSFODNN7EXAMPLE."), "token [redacted]."],
  [join2("gh", "p_", letters, "!"), "[redacted]!"],
  [join2("github", "_pat_", letters), "[redacted]"],
  [join2("(gl", "pat-", letters, ")"), "([redacted])"],
  [join2("np", "m_", letters), "[redacted]"],
  [join2("dckr", "_pat_", letters), "[redacted]"],
  [join2("xo", "xb-1234-5678-abcdef"), "[redacted]"],
  [
    join2("jwt ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    "jwt [redacted]"
  ]
]

const untouched: ReadonlyArray<string> = [
  "https://git.example.com/x.git ssh://git@git.example.com:22/x.git git@github.com:org/repo.git",
  "GET http://127.0.0.1:5000/v2/ https://user@host/x",
  "FROM docker://busybox:1.36@sha256:0123456789abcdef",
  "Trying to pull docker://registry.example.com:5000/team/app@sha256:0123456789abcdef...",
  "npm http fetch GET 200 https://registry.npmjs.org/@scope%2fpkg 120ms (cache miss)",
  'git clone "https://$USER:$TOKEN@git.example.com/x.git" https://user:${PASSWORD}@host https://u:***@host',
  "usage: https://<user>:<password>@host, https://%s:%s@host",
  "Authorization: Bearer $TOKEN, Authorization: Bearer <token>, Authorization: Bearer ***",
  "the X-Vault-Token header, VAULT_TOKEN= and VAULT_TOKEN=$(cat token) and VAULT_TOKEN: ${TOKEN}",
  "ghp_short github_pat_ npm_config_loglevel=warn hvs.short eyJhbGciOi.x AKIASHORT xoxb-",
  "npm_config_registry=https://registry.npmjs.org npm_package_devDependencies_typescript=5",
  "sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1",
  "grep: -----BEGIN RSA PRIVATE KEY-----\nREADME.md\nsrc/index.ts\n",
  "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\n-----END CERTIFICATE-----",
  "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----"
]

describe("what looks like a credential", () => {
  for (const [given, expected] of found) {
    it(`is taken out of ${JSON.stringify(given.slice(0, 40))}`, () => {
      assert.strictEqual(text(given), expected)
      assert.strictEqual(text(expected), expected, "the second time")
    })
  }

  for (const line of untouched) {
    it(`is not in ${JSON.stringify(line.slice(0, 40))}`, () => {
      assert.strictEqual(text(line), line)
    })
  }

  it("is in no output of the steps that the tests' fixtures keep", () => {
    const root = join(import.meta.dirname, "..", "fixtures")
    const files = readdirSync(root, { recursive: true, encoding: "utf8" })
      // Those of refusals quote the requests, with their tokens.
      .filter((name) => name.endsWith(".json") && !name.includes("acl"))
      .map((name) => join(root, name))
    assert.isAbove(files.length, 100)
    for (const file of files) {
      const content = readFileSync(file)
      assert.isTrue(content.equals(bytes(content)), file)
    }
  })
})

const body = Array.from({ length: 12 }, (_, index) => `${letters}${letters}`.slice(index % 8, (index % 8) + 64))
const pem = (...lines: ReadonlyArray<string>) => [
  "-----BEGIN RSA PRIVATE KEY-----",
  ...lines,
  ...body,
  "Qg==",
  "-----END RSA PRIVATE KEY-----"
]
const hidden = "-----BEGIN RSA PRIVATE KEY-----\n[redacted]\n-----END RSA PRIVATE KEY-----"

describe("a private key", () => {
  const forms: Readonly<Record<string, readonly [string, string]>> = {
    "on lines of its own": [`a\n${pem().join("\n")}\nb`, `a\n${hidden}\nb`],
    "with a header": [`${pem("Proc-Type: 4,ENCRYPTED", "DEK-Info: AES", "").join("\n")}\n`, `${hidden}\n`],
    "with DOS line ends": [pem().join("\r\n"), hidden.replaceAll("\n", "\r\n")],
    "in JSON": [JSON.stringify({ key: pem().join("\n") }), JSON.stringify({ key: hidden })],
    "behind prefixes": [
      pem()
        .map((line) => `#7 0.31 ${line}`)
        .join("\n"),
      `#7 0.31 ${hidden.replace("-----END", "#7 0.31 -----END")}`
    ],
    "without an end": [
      [...pem().slice(0, -2), "and then the build went on"].join("\n"),
      "-----BEGIN RSA PRIVATE KEY-----\n[redacted]\nand then the build went on"
    ]
  }
  for (const [name, [given, expected]] of Object.entries(forms)) {
    it(`is hidden ${name}`, () => {
      assert.strictEqual(text(given), expected)
      assert.strictEqual(text(expected), expected, "the second time")
    })

    it(`is hidden ${name}, wherever it is parted`, () => {
      const input = new TextEncoder().encode(given)
      for (let at = 0; at <= input.length; at++) {
        const pieces = stream()
        const out = [pieces.add(input.subarray(0, at)), pieces.add(input.subarray(at)), pieces.end()]
        assert.strictEqual(Buffer.concat(out).toString(), expected, `at ${at}`)
      }
    })
  }

  it("that never ends doesn't hold back what follows for ever", () => {
    const pieces = stream()
    const line = new TextEncoder().encode(`${body[0]}\n`)
    let held = -pieces.add(new TextEncoder().encode("-----BEGIN RSA PRIVATE KEY-----\n")).length
    for (let count = 0; count < 1000; count++) pieces.add(line)
    held = pieces.held()
    assert.isAtMost(held, 20 * 1024)
  })
})
