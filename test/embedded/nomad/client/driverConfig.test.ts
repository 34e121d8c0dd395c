import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { readDriverConfig } from "../../../../src/embedded/nomad/client/driverConfig.ts"

const known = { NOMAD_JOB_ID: "web", "node.datacenter": "dc1", "attr.kernel.name": "linux" }

const read = (args: ReadonlyArray<string>) => {
  const config = readDriverConfig({ image: "a:1", args }, known)
  return Either.isRight(config) ? config.right["args"] : config.left
}

const fault = (text: string) => `2 errors occurred:\n\t* failed to parse config: \n\t* ${text}\n\n`

describe("a task's config", () => {
  it("is unescaped and interpolated, and leaves a shell's own signs alone", () => {
    assert.deepStrictEqual(
      read(["$${A} %%{b} $C $(d) 100% ${ NOMAD_JOB_ID } ${node.datacenter}/${attr.kernel.name}"]),
      ["${A} %{b} $C $(d) 100% web dc1/linux"]
    )
  })

  it("fails for names that nobody knows, with HCL's words", () => {
    assert.strictEqual(read(["${HOME}"]), fault('Unknown variable: There is no variable named "HOME".'))
    assert.strictEqual(
      read(["${attr.nope}"]),
      fault('Unsupported attribute: This object does not have an attribute named "nope".')
    )
    assert.strictEqual(
      read(["%{http_code}"]),
      fault('Invalid template control keyword: "http_code" is not a valid template control keyword.')
    )
    assert.include(String(read(["${open"])), "Unclosed template interpolation sequence")
    assert.include(
      String(read(["${upper(a)}"])),
      'Unsupported expression: "upper(a)" is not implemented by this server.'
    )
  })

  it("fails for a key that docker's driver doesn't have, and reads nested ones", () => {
    const refused = readDriverConfig({ image: "a", no_such_key: 1 }, known)
    assert.deepStrictEqual(
      refused,
      Either.left(fault('Invalid label: No argument or block type is named "no_such_key".'))
    )
    const nested = readDriverConfig({ logging: { config: [{ "max-size": "${NOMAD_JOB_ID}" }] } }, known)
    assert.deepStrictEqual(nested, Either.right({ logging: { config: [{ "max-size": "web" }] } }))
  })
})
