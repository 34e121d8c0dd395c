import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { makeRedactor } from "../../src/redaction/Redactor.ts"

const password = `p"a$s\`s'w\\ord, <4711> ümlaut/+&=~`
const token = "4f9f1d0c7b2ae5"
const redactor = makeRedactor([password, token])

const encode = (text: string) => new TextEncoder().encode(text)

/** Each way in which a program of this kind writes the password, as the program itself does it. */
const spellings: Readonly<Record<string, string>> = {
  "as it is": password,
  "in base64": Buffer.from(password).toString("base64"),
  "in base64 for URLs": Buffer.from(password).toString("base64url"),
  "in hex": Buffer.from(password).toString("hex"),
  "in upper-case hex": Buffer.from(password).toString("hex").toUpperCase(),
  "in hex, byte by byte": Buffer.from(password).toString("hex").replaceAll(/../g, "$& "),
  "in a URL": encodeURIComponent(password),
  "in a form": new URLSearchParams({ a: password }).toString().slice(2),
  "in a URL's user": new URL(`https://u:${encodeURIComponent(password)}@h`).password,
  "in JSON": JSON.stringify(password),
  "in JSON in JSON": JSON.stringify(JSON.stringify(password)),
  "in JSON of plain ASCII": JSON.stringify(password).replaceAll("ü", String.raw`\u00fc`),
  "in a shell's trace": execFileSync("/bin/sh", ["-xc", 'true "$1"', "sh", password], { stdio: "pipe" }).toString(),
  "in an export": execFileSync("/bin/sh", ["-c", "export -p"], { env: { PASSWORD: password } }).toString(),
  "in an export of bash": execFileSync("/bin/bash", ["-c", "export -p"], { env: { PASSWORD: password } }).toString(),
  "quoted by bash": execFileSync("/bin/bash", ["-c", 'printf "%q" "$1"', "sh", password], {
    env: { LC_ALL: "C.UTF-8" }
  }).toString(),
  "by base64(1), wrapped": execFileSync("base64", ["-w", "20"], { input: password }).toString(),
  "by base64(1) in the middle of a text": execFileSync("base64", { input: `user:${password}\n` }).toString(),
  "by od(1)": execFileSync("/bin/sh", ["-c", "od -An -tx1 -v"], { input: password }).toString()
}

/** Eight bytes of the password in a row, in each of the alphabets, wherever line breaks stand. */
const remains = (text: string): boolean => {
  const squeezed = text.replaceAll(/\s/g, "")
  return [password.slice(9, 19), Buffer.from(password).toString("base64").slice(8, 24), "6f72642c203c34373131"].some(
    (part) => squeezed.includes(part.replaceAll(" ", "")) || text.includes(part)
  )
}

describe("a redactor", () => {
  for (const [name, spelling] of Object.entries(spellings)) {
    it(`finds a secret ${name}`, () => {
      const text = `before\n${spelling}\nafter`
      const redacted = redactor.text(text)
      assert.isFalse(remains(redacted), redacted)
      assert.isTrue(redacted.startsWith("before\n") && redacted.endsWith("\nafter"), redacted)
      if (spelling !== "") assert.include(redacted, "[redacted]")
    })
  }

  for (const before of ["", "a", "ab", "abc"]) {
    it(`finds a secret in a longer text in base64, ${before.length} bytes behind its beginning`, () => {
      const text = Buffer.from(`${before}${token} and more`).toString("base64")
      const redacted = redactor.text(text)
      assert.match(redacted, /^[A-Za-z0-9+/]{0,7}\[redacted\][A-Za-z0-9+/=]+$/)
      assert.notInclude(Buffer.from(redacted.split("[redacted]")[0] ?? "", "base64").toString(), token.slice(0, 3))
    })
  }

  it("leaves everything else as it is", () => {
    assert.strictEqual(redactor.text(`x${token}y${token}${token}`), "x[redacted]y[redacted][redacted]")
    const invalid = Uint8Array.from({ length: 512 }, (_, index) => index % 256)
    assert.deepStrictEqual(redactor.bytes(invalid), invalid)
    assert.strictEqual(redactor.text(`half a \ud800 pair`), `half a \ud800 pair`)
    assert.strictEqual(redactor.text("\ufeffmarked"), "\ufeffmarked")
    assert.strictEqual(redactor.text(`\ufeffmarked ${token}`), "\ufeffmarked [redacted]")
  })

  it("finds overlapping secrets, and of two that begin alike the longer one", () => {
    const both = makeRedactor(["abcdef", "abcdefghij", "ijklmnop"])
    assert.strictEqual(both.text("-abcdefghijklmnop-"), "-[redacted]-")
    assert.strictEqual(both.text("-abcdefghij-abcdefgh-"), "-[redacted]-[redacted]gh-")
  })

  it("finds each line of a value with several, with any line ending, and its body alone", () => {
    const key = [
      "-----BEGIN PRIVATE KEY-----",
      "MIIEvQIBADANBgkqhkiG9w0BAQ",
      "EFAASCBKcwggSjAgEAAoIBAQDR",
      "-----END PRIVATE KEY-----"
    ]
    const keyRedactor = makeRedactor([`${key.join("\n")}\n`])
    for (const text of [key.join("\n"), key.join("\r\n"), key.join(String.raw`\n`), `  ${key[1]}\n  ${key[2]}`]) {
      const redacted = keyRedactor.text(text)
      assert.notInclude(redacted, "MIIEvQ")
      assert.notInclude(redacted, "EFAASC")
    }
    assert.strictEqual(keyRedactor.text(`x ${key[2]} y`), "x [redacted] y")
  })

  it("finds the secret inside of a URL and of a key file in JSON, and leaves their public parts", () => {
    const file = JSON.stringify({
      project_id: "my-project",
      auth_uri: "https://accounts.example.com/o/oauth2/auth",
      nested: [{ private_key: "abcd\nefghijklmnop" }]
    })
    const inner = makeRedactor(["postgres://app:s3cr%21tPart@db.internal/app", file])
    assert.strictEqual(inner.text("s3cr!tPart s3cr%21tPart efghijklmnop"), "[redacted] [redacted] [redacted]")
    const open = "my-project at https://accounts.example.com/o/oauth2/auth for app on db.internal"
    assert.strictEqual(inner.text(open), open)
  })

  it("doesn't look for what ordinary output is full of", () => {
    const values = [
      "",
      " ",
      "\n",
      "a",
      "true",
      "12345",
      "1234567",
      "production",
      "aaaaaaaa",
      "redacted",
      "xxxxx\nyyyyy"
    ]
    const weak = makeRedactor(values)
    const log = "a true 12345 1234567 production aaaaaaaa\n\nredacted [redacted]"
    assert.strictEqual(weak.text(log), log)
    assert.strictEqual(weak.unsearched, 7)
  })

  it("looks for long values line by line", () => {
    const lines = Array.from({ length: 8000 }, (_, index) => `line-${index}-${"x".repeat(80)}`)
    const large = makeRedactor([lines.join("\n"), "z".repeat(2 * 1024 * 1024), token])
    assert.strictEqual(large.text(`a ${lines[4711]} ${token}`), "a [redacted] [redacted]")
    assert.strictEqual(large.unsearched, 1)
  })
})

describe("a redaction stream", () => {
  const inPieces = (text: string, sizes: ReadonlyArray<number>): string => {
    const stream = redactor.stream()
    const bytes = encode(text)
    const out: Array<Uint8Array> = []
    let at = 0
    for (const size of sizes) {
      out.push(stream.add(bytes.subarray(at, at + size)))
      at += size
    }
    out.push(stream.add(bytes.subarray(at)), stream.end())
    return Buffer.concat(out).toString()
  }

  it("finds a secret that is parted at any place", () => {
    const text = `one\ntwo ${password} three\nfour`
    for (let at = 0; at <= encode(text).length; at++) {
      assert.strictEqual(inPieces(text, [at]), "one\ntwo [redacted] three\nfour")
    }
  })

  it("gives out whole lines at once, and tells how much it holds back", () => {
    const stream = redactor.stream()
    const add = (text: string) => Buffer.from(stream.add(encode(text))).toString()
    assert.strictEqual(add("one\ntw"), "one\n")
    assert.strictEqual(stream.held(), 2)
    assert.strictEqual(add("o\n"), "two\n")
    assert.strictEqual(stream.held(), 0)
    assert.strictEqual(add(`three ${token.slice(0, 9)}`), "")
    assert.strictEqual(stream.held(), 15)
    assert.strictEqual(add(`${token.slice(9)}\nfour\n`), "three [redacted]\nfour\n")
    assert.strictEqual(stream.held(), 0)
  })

  it("waits for the end of no line for ever", () => {
    const stream = redactor.stream()
    const piece = encode("word ".repeat(1000))
    let out = 0
    for (let count = 0; count < 100; count++) {
      out += stream.add(piece).length
      assert.isAtMost((count + 1) * piece.length - out, 40 * 1024)
    }
  })

  it("waits for half of a secret and endless blanks not for ever", () => {
    const stream = redactor.stream()
    const begun = Buffer.from(token).toString("hex").slice(0, 20)
    let held = begun.length - stream.add(encode(begun)).length
    const blanks = encode("\n".repeat(1000))
    for (let count = 0; count < 20; count++) held += blanks.length - stream.add(blanks).length
    assert.strictEqual(held, 0)
  })
})
