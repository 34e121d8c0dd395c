import { assert, describe, it } from "@effect/vitest"
import { maskSecrets } from "../../../src/commands/sync/maskSecrets.ts"
import { showDiff } from "../../../src/commands/sync/showDiff.ts"
import { yaml } from "./Bench.ts"

const hooked = (more: string): string => `${yaml("web")}${more}`

const diffOf = (before: string, after: string): string =>
  showDiff(
    {
      name: "web",
      outcome: "updated",
      file: "web.yaml",
      before: new TextEncoder().encode(before),
      after: new TextEncoder().encode(after),
      ops: [],
      why: undefined
    },
    "jobs/"
  )

describe("a diff's secrets", () => {
  it("are hidden, and that one changes can be seen", () => {
    const before = hooked("webhook_url: https://a.example.com\nwebhook_secret: hunter2-hunter2\n")
    const after = hooked("webhook_url: https://b.example.com\nwebhook_secret: correct-horse-battery\n")
    const diff = diffOf(before, after)
    assert.notMatch(diff, /hunter2|correct-horse/)
    assert.include(diff, "-webhook_secret: (secret before)\n")
    assert.include(diff, "+webhook_secret: (secret after)\n")
    assert.include(diffOf(before, before.replace("a.example", "b.example")), " webhook_secret: (secret)\n")
  })

  it("are hidden however they are written", () => {
    const secrets = [
      ["short", 'webhook_secret: "owner"\n', "owner"],
      ["folded", "webhook_secret: >-\n  folded over\n  lines-s3cr3t\n", "lines-s3cr3t"],
      ["escaped", 'webhook_secret: "tab\\x2dand\\u0020blank-s3cr3t"\n', "blank-s3cr3t"],
      ["number", "webhook_secret: 12345678\n", "12345678"],
      ["header", "webhook_headers: { Authorization: 'Bearer s3cr3t-t0ken' }\n", "s3cr3t-t0ken"],
      ["nested", "webhook_headers:\n  X-Key: [a-s3cr3t-list]\n", "a-s3cr3t-list"],
      ["repeated", "webhook_secret: s3cr3t-value # it was s3cr3t-value before\n", "s3cr3t-value"]
    ] as const
    for (const [title, text, secret] of secrets) {
      const { after } = maskSecrets(undefined, hooked(text))
      const rest = after.replace(/^owner: team-a$/m, "").replace(/image_tags[^]*?registry/, "")
      assert.notInclude(rest.replace(/^.*owner: team-a.*$/m, ""), title === "short" ? '"owner"' : secret, title)
      assert.include(after, "(secret after)", title)
    }
  })

  it("are hidden in a wrapper, in JSON, and in what can't be read", () => {
    const wrapped = JSON.stringify({ job_config: { owner: "a", webhook_secret: 'quote"d-s3cr3t' } }, null, 2)
    const { after, before } = maskSecrets(wrapped, "webhook_secret: s3cr3t-broken\nowner: [\n")
    assert.notInclude(before, "d-s3cr3t")
    assert.include(before, "(secret before)")
    assert.match(after, /^\(\d+ bytes that can't be read as JSON or YAML\)\n$/)
  })

  it("don't include where a secret is in Vault", () => {
    const text = hooked("webhook_secret: vault:secret/data/hooks#key\n")
    assert.deepStrictEqual(maskSecrets(text, text), { before: text, after: text })
  })
})

describe("a diff", () => {
  it("can't steer the terminal", () => {
    const diff = diffOf(yaml("web"), `${yaml("web")}# \u001b]0;title\u0007\u001b[2J\n`)
    assert.isFalse(diff.includes("\u001b") || diff.includes("\u0007"))
  })
})
