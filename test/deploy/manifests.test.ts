import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadAll } from "js-yaml"
import { afterAll, assert, describe, it } from "vitest"
import { command } from "../../scripts/cluster/Docker.ts"
import { program } from "../../scripts/cluster/programs.ts"
import { nomadProgram } from "../support/RealNomad.ts"

const nomad = nomadProgram()
const promtool = program("", "promtool")
const compose = program("", "docker-compose")
const shellcheck = program("", "shellcheck")
const scripts = ["scripts/push-image", "scripts/restart-job", "manifests/consul/setup.sh", "manifests/vault/setup.sh"]
const terms = (path: string): string => readFileSync(path, "utf8")
const unless = (found: string | undefined, what: string): string => (found === undefined ? ` (missing: ${what})` : "")

const filesBelow = (folder: string, ending: RegExp): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name))

describe("the manifests", () => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-manifests-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe.skipIf(nomad === undefined)(
    `to Nomad's own program${unless(nomad, "nomad on the PATH or in NOMAD_BIN")}`,
    () => {
      const said = (...args: ReadonlyArray<string>): Promise<string> => command([nomad ?? "", ...args])

      it.each(filesBelow("manifests", /\.hcl$/))("%s is formatted", async (path) => {
        await said("fmt", "-check", path)
      })

      it.each([
        ["with all that it takes", []],
        ["without Vault and without Consul's ACLs", ["-var", "vault_address=", "-var", "consul_acl=false"]],
        ["with settings of one's own", ["-var", 'settings={"AUTH_MODE":"consul"}', "-var", "count=5"]]
      ])("the service's job is valid, %s", async (_, flags) => {
        const images = ["-var", "image=registry.example.com/jobforge/service:1", "-var", "builder_image=b:1"]
        // Nobody is asked: the variables of whoever runs the tests may name a Nomad that doesn't answer.
        const address = ["-address", "http://127.0.0.1:1"]
        const line = ["job", "validate", ...address, ...images, ...flags, "manifests/jobforge-service.nomad.hcl"]
        assert.include(await said(...line), "Job validation successful")
      })

      it("the service's job asks for its images", async () => {
        const refused = await said("job", "validate", "manifests/jobforge-service.nomad.hcl").catch(String)
        assert.include(refused, "Unset variable")
      })
    }
  )

  describe.skipIf(promtool === undefined)(`to Prometheus${unless(promtool, "promtool")}`, () => {
    const said = (...args: ReadonlyArray<string>): Promise<string> => command([promtool ?? "", ...args])

    it("the alerts are rules, and tell what they are for", async () => {
      assert.include(await said("check", "rules", "manifests/prometheus/alerts.yml"), "11 rules found")
      await said("test", "rules", "manifests/prometheus/alerts.test.yml")
    })

    it("the scrape configuration is one, but for the discovery that a promtool may be built without", async () => {
      const text = terms("manifests/prometheus/scrape.yml")
      const discovery = / {4}consul_sd_configs:\n(?: {6,}.*\n)+/
      assert.match(text, discovery)
      const path = join(folder, "scrape.yml")
      writeFileSync(path, text.replace(discovery, ""))
      await said("check", "config", "--syntax-only", path)
    })
  })

  it("the alerts name no metric that the service hasn't", () => {
    const families = terms("src/metrics/families.ts")
    const used = [...terms("manifests/prometheus/alerts.yml").matchAll(/^ +expr: (.*)$/gm)].flatMap(
      ([, expression = ""]) =>
        [...expression.matchAll(/\b([a-z]+(?:_[a-z]+)+)(?=[{[)\s])/g)].map(([, name = ""]) => name)
    )
    const own = used.filter((name) => !["histogram_quantile", "owner"].includes(name))
    assert.isAbove(own.length, 7)
    for (const name of own) assert.include(families, `"${name.replace(/_bucket$/, "")}"`)
  })

  it.each([...filesBelow("manifests", /\.ya?ml$/), ...filesBelow("manifests", /\.json$/)])("%s can be read", (path) => {
    assert.isAbove(loadAll(terms(path)).length, 0)
  })

  it.skipIf(compose === undefined)(
    `docker-compose takes the compose file${unless(compose, "docker-compose")}`,
    async () => {
      await command([compose ?? "", "-f", "manifests/compose.yaml", "config", "--quiet"])
    }
  )

  it.skipIf(shellcheck === undefined)(`shellcheck finds nothing${unless(shellcheck, "shellcheck")}`, async () => {
    await command([shellcheck ?? "", ...scripts])
  })

  it("the settings that the service's job and the compose file give are settings that there are", () => {
    const known = terms("README.md") + terms("src/vault/VaultConfig.ts")
    const job = /env = merge\(\{([\s\S]*?)\}, var/.exec(terms("manifests/jobforge-service.nomad.hcl"))?.[1] ?? ""
    const tryOut = terms("manifests/compose.yaml").replace(/^[\s\S]*\n {2}jobforge:\n/, "")
    const names = [...job.matchAll(/^ +([A-Z_]+) +=/gm), ...tryOut.matchAll(/^ {6}([A-Z_]+):/gm)].map(
      ([, name = ""]) => name
    )
    assert.isAbove(names.length, 20)
    for (const name of names) assert.include(known, name)
  })

  it.each([
    ["scripts/push-image", [], "give the image's whole name"],
    ["scripts/push-image", ["service"], "names no registry, or no tag"],
    ["scripts/restart-job", ["a", "b"], "give one image, or none"],
    ["scripts/restart-job", [], "no /nowhere/nomad on the PATH"],
    ["manifests/consul/setup.sh", [], "no /nowhere/consul on the PATH"]
  ])("%s %j says what it misses", async (path, args, words) => {
    const programs = { NOMAD_BIN: "/nowhere/nomad", CONSUL_BIN: "/nowhere/consul" }
    const refused = await command([path, ...args], programs).then(() => "", String)
    assert.include(refused, words)
  })
})
