import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { parseEnvFile } from "../../../../src/embedded/nomad/template/parseEnvFile.ts"
import { parseTemplate, readsVault } from "../../../../src/embedded/nomad/template/parseTemplate.ts"
import { renderTemplate } from "../../../../src/embedded/nomad/template/renderTemplate.ts"

const secrets: Readonly<Record<string, unknown>> = {
  "secret/data/git": { username: "u", password: 'p"a<ss', empty: "", nested: { a: 1 }, "with-dash": "d" }
}

const render = (text: string, errMissingKey = false) => {
  const block = Either.getOrThrowWith(parseTemplate(text), (fault) => new Error(fault))
  return renderTemplate(block, {
    secret: (path) => (secrets[path] === undefined ? undefined : { Data: { data: secrets[path] } }),
    env: (name) => (name === "WHO" ? "me" : undefined),
    errMissingKey
  })
}

const text = (template: string) => {
  const rendered = render(template)
  return rendered._tag === "Text" ? rendered.text : rendered
}

const git = (inner: string) => `{{ with secret "secret/data/git" }}${inner}{{ end }}`

describe("a template", () => {
  it("shows fields of a secret, by name and by index", () => {
    assert.strictEqual(text(git('{{ .Data.data.username }}:{{ index .Data.data "with-dash" }}')), "u:d")
    assert.strictEqual(text('{{ (secret "secret/data/git").Data.data.username }}'), "u")
  })

  it("pipes through functions", () => {
    assert.strictEqual(text(git("{{ .Data.data.password | toJSON }}")), '"p\\"a\\u003css"')
    assert.strictEqual(text(git('{{ printf "%s:%s" .Data.data.username .Data.data.empty | base64Encode }}')), "dTo=")
    assert.strictEqual(text(git("{{ .Data.data.nested | toJSON }}")), '{"a":1}')
    assert.strictEqual(text('{{ "aGk=" | base64Decode | toUpper }}'), "HI")
    assert.strictEqual(text('{{ env "WHO" }}{{ env "NOBODY" }}'), "me")
    assert.strictEqual(text('{{ if and (eq "a" "a") (not false) }}yes{{ end }}'), "yes")
  })

  it("branches on what is empty", () => {
    const branches = git("{{ if .Data.data.empty }}1{{ else if .Data.data.username }}2{{ else }}3{{ end }}")
    assert.strictEqual(text(branches), "2")
    assert.strictEqual(text(git("{{ with .Data.data.empty }}a{{ else }}b{{ end }}")), "b")
    assert.strictEqual(text(git("{{ if .Data.data.none }}a{{ end }}")), "")
  })

  it("trims white space where it is asked to, and only there", () => {
    assert.strictEqual(text('a  {{- "b" -}}  c {{ "d" }} e'), "abc d e")
    assert.strictEqual(text("a {{- /* a }} comment */ -}} b"), "ab")
    assert.strictEqual(text('{{ "}}" }}{{ `raw "x"` }}'), '}}raw "x"')
  })

  it("takes other delimiters", () => {
    const block = Either.getOrThrow(parseTemplate('[[ "a" ]]{{ x }}', "[[", "]]"))
    const world = { secret: () => undefined, env: () => undefined, errMissingKey: false }
    assert.deepStrictEqual(renderTemplate(block, world), { _tag: "Text", text: "a{{ x }}" })
  })

  it("waits for every secret that it misses, by path", () => {
    assert.deepStrictEqual(
      render('{{ with secret "secret/data/b" }}{{ .Data.data.x }}{{ end }}{{ with secret "secret/data/a" }}{{ end }}'),
      {
        _tag: "Missing",
        dependencies: ["vault.read(secret/data/a)", "vault.read(secret/data/b)"]
      }
    )
    assert.strictEqual(render('{{ (secret "secret/data/a").Data.data.x }}')._tag, "Missing")
  })

  it("shows a missing field as Go does, or fails where the job says so", () => {
    assert.strictEqual(text(git("{{ .Data.data.none }}")), "<no value>")
    assert.deepStrictEqual(render(git("{{ .Data.data.none }}"), true), {
      _tag: "Failed",
      reason: 'map has no entry for key "none"'
    })
  })

  it("is refused by the name of what isn't implemented", () => {
    const fault = (template: string) => Either.getOrElse(Either.flip(parseTemplate(template)), () => "none")
    assert.strictEqual(fault('{{ key "a" }}'), 'function "key" is not implemented by this server')
    assert.strictEqual(fault("{{ range .a }}{{ end }}"), "{{range}} is not implemented by this server")
    assert.strictEqual(fault('{{ $x := secret "a" }}'), 'unexpected ":= secret \\"a\\"" in action')
    assert.strictEqual(fault("{{ $x }}"), "variables are not implemented by this server")
    assert.strictEqual(fault("{{ if true }}"), "unexpected EOF: {{end}} is missing")
    assert.strictEqual(fault("{{ end }}"), "unexpected {{end}}")
    assert.strictEqual(fault("{{ env"), "unclosed action")
    assert.strictEqual(fault("{{ }}"), "missing value for command")
    assert.strictEqual(fault('{{ (env "a" }}'), "unclosed left paren")
    assert.strictEqual(fault('{{ env "a") }}'), "unexpected ) in action")
    assert.strictEqual(fault("{{/* x }}"), "unclosed comment")
  })

  it("tells whether it reads Vault", () => {
    const reads = (template: string) => readsVault(Either.getOrThrow(parseTemplate(template)))
    assert.isFalse(reads('{{ env "a" }}'))
    assert.isTrue(reads('{{ if true }}{{ with secret "a" }}{{ end }}{{ end }}'))
    assert.isTrue(reads('{{ (secret "a").Data }}'))
  })
})

describe("an environment file", () => {
  const read = (content: string) => Either.getOrElse(parseEnvFile(content), (fault) => fault)

  it("is read line by line with its quotes and escapes", () => {
    assert.deepStrictEqual(
      read('# c\nexport A=1\nB="x\\n\\u0026\\"q\\""\n\nC=\'a"$b\'\nD = plain text # c\nE=\nF=a"b"\'c\''),
      { A: "1", B: 'x\n&"q"', C: 'a"$b', D: "plain text", E: "", F: "abc" }
    )
  })

  it("names the line that is wrong", () => {
    assert.strictEqual(read("A=1\nnonsense"), "error on line 2: missing =")
    assert.strictEqual(read("=1"), "error on line 1: empty key")
    assert.strictEqual(read('A="open'), "error on line 1: unmatched quotes")
    assert.strictEqual(read("A B=1"), 'error on line 1: invalid character in key "A B"')
    assert.strictEqual(read('A="\\q"'), "error on line 1: invalid escape sequence in A")
  })
})
