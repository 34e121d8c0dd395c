import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { buildScript } from "../../src/jobspec/buildScript.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import { cleanupScript } from "../../src/jobspec/cleanupScript.ts"
import { cleanupSpec } from "../../src/jobspec/cleanupSpec.ts"
import { driverText } from "../../src/jobspec/driverText.ts"
import { jobHcl } from "../../src/jobspec/jobHcl.ts"
import type { NomadJob, Task } from "../../src/jobspec/NomadJob.ts"
import type { PhaseInput } from "../../src/jobspec/PhaseInput.ts"
import { publishScript } from "../../src/jobspec/publishScript.ts"
import { publishSpec } from "../../src/jobspec/publishSpec.ts"
import { testSpec } from "../../src/jobspec/testSpec.ts"
import { testWrapper } from "../../src/jobspec/testWrapper.ts"
import { anyInput, anyText, digest, finals, phaseInput, source, temporary } from "./phaseInputs.ts"

const taskOf = (spec: NomadJob): Task => spec.TaskGroups[0].Tasks[0]

const all = (input: PhaseInput, command = "make check"): Readonly<Record<string, NomadJob>> => ({
  "temporary build": buildSpec(input, { kind: "temporary", image: temporary }),
  "final build": buildSpec(input, { kind: "final", images: finals }),
  "test of a command": testSpec(input, { kind: "command", index: 1, command }, source),
  "test of the entry point": testSpec(input, { kind: "entry-point" }, source),
  publish: publishSpec(input, source, digest, finals),
  cleanup: cleanupSpec(input, temporary)
})

describe("a job as HCL", () => {
  it("has all that Nomad is told, each text as it is", () => {
    const env = { PLAIN: "a", ODD: '$${x} ${y} %{z} \b\f\n\\ "', LABEL: "" }
    const { User: _user, ...task } = taskOf(all(phaseInput({ test: { env } }))["test of a command"] ?? assert.fail())
    const text = jobHcl(all(phaseInput({ test: { env } }))["test of a command"] ?? assert.fail())
    assert.match(text, /^job "build-.*" \{\n {2}name = /)
    assert.include(text, String.raw`"ODD" = "$\u0024{x} \u0024{y} \u0025{z} \u0008\u000c\n\\ \""`)
    assert.include(text, `    task ${JSON.stringify(task.Name)} {\n      driver = "docker"\n`)
    assert.include(text, `kill_timeout = "${task.KillTimeout / 1e6}ms"`)
  })

  it.each(Object.entries(all(phaseInput())))(
    "names what the %s is about, and shows it as it may be shown",
    (_, spec) => {
      const image = taskOf(spec).Config.image
      assert.include(jobHcl(spec), `image = ${JSON.stringify(image)}`)
      assert.notInclude(
        jobHcl(spec, (text) => text.replaceAll(image, "[redacted]")),
        image
      )
    }
  )

  it("has the blocks of those who ask for more", () => {
    const spec = testSpec(
      phaseInput({
        test: {
          gpu_required: true,
          gpu_count: 2,
          vault_policies: ["ci"],
          vault_secrets: [{ path: "secret/data/x", fields: { password: "PASSWORD" } }],
          constraints: [{ attribute: "${attr.cpu.arch}", operand: "=", value: "amd64" }]
        }
      }),
      { kind: "entry-point" },
      source
    )
    const text = jobHcl(spec)
    for (const part of ["vault {", "template {", 'device "', "constraint {", String.raw`"\u0024{attr.cpu.arch}"`]) {
      assert.include(text, part)
    }
    assert.include(jobHcl(buildSpec(phaseInput(), { kind: "final", images: finals })), "volume_mount {")
  })
})

const strings = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : []
}

/** What a client makes of a driver's text: checked against the HCL of Nomad 1.10. */
const asTheClientReads = (text: string): string => text.replaceAll(/([$%])\1\{/g, "$1{")

describe.each(Object.keys(all(phaseInput())))("%s", (name) => {
  const specOf = (input: PhaseInput): NomadJob => {
    const spec = all(input)[name]
    assert.isDefined(spec)
    return spec
  }

  it("is a batch job of one task that Nomad never repeats by itself", () => {
    const spec = specOf(phaseInput())
    assert.deepInclude(spec, { ID: `build-${phaseInput().jobId}-2`, Name: spec.ID, Type: "batch", Priority: 50 })
    const [group] = spec.TaskGroups
    assert.strictEqual(group.Count, 1)
    assert.deepInclude(group.RestartPolicy, { Attempts: 0, Mode: "fail" })
    assert.deepEqual(group.ReschedulePolicy, { Attempts: 0, Unlimited: false })
  })

  it("is not replaced when its node disconnects, and stops there", () => {
    assert.deepEqual(specOf(phaseInput()).TaskGroups[0].Disconnect, {
      StopOnClientAfter: 60_000_000_000,
      Replace: false,
      Reconcile: "keep_original"
    })
  })

  it("can run on any node that fits, that of the build included", () => {
    const spec = specOf(phaseInput())
    assert.isUndefined(spec.TaskGroups[0].Constraints)
    assert.notProperty(spec, "Constraints")
    assert.notInclude(JSON.stringify(spec), "node.unique.id")
  })

  it("names its owner", () => {
    assert.deepInclude(specOf(phaseInput()).Meta, {
      "build-service-job-id": phaseInput().jobId,
      "jobforge-installation": "lab",
      "jobforge-record": "teams/engine",
      "jobforge-generation": "3",
      "jobforge-attempt": "2"
    })
    const { phase } = specOf(phaseInput()).Meta
    assert.include(name, phase ?? "no phase")
  })

  it("keeps bursts of output, on the host's network", () => {
    const { Config } = taskOf(specOf(phaseInput()))
    assert.deepEqual(Config.logging, { type: "json-file", config: [{ "max-size": "200m", "max-file": "1" }] })
    assert.strictEqual(Config.network_mode, "host")
    assert.notProperty(Config, "command")
    assert.notProperty(Config, "args")
    assert.notProperty(Config, "privileged")
  })

  it("gives its task the configured time and room for its logs", () => {
    const task = taskOf(
      specOf(phaseInput({ settings: { killTimeout: 1500, logs: { maxFiles: 3, maxFileSizeMb: 7 } } }))
    )
    assert.strictEqual(task.KillTimeout, 1_500_000_000)
    assert.deepEqual(task.LogConfig, { MaxFiles: 3, MaxFileSizeMB: 7 })
  })

  it("goes where the operator says", () => {
    const settings = { region: "eu", namespace: "ci", datacenters: ["a", "b"], nodePool: "build", priority: 70 }
    assert.deepInclude(specOf(phaseInput({ settings })), {
      Region: "eu",
      Namespace: "ci",
      Datacenters: ["a", "b"],
      NodePool: "build",
      Priority: 70
    })
    assert.notProperty(specOf(phaseInput()), "NodePool")
  })

  it("asks for no Vault where nothing needs it", () => {
    const task = taskOf(specOf(phaseInput()))
    assert.notProperty(task, "Vault")
    assert.notProperty(task, "Templates")
  })

  it("has a disk that Nomad accepts, whatever the limit", () => {
    FastCheck.assert(
      FastCheck.property(anyInput, (input) => {
        const spec = specOf(input)
        const { LogConfig } = taskOf(spec)
        assert.isAbove(spec.TaskGroups[0].EphemeralDisk.SizeMB, LogConfig.MaxFiles * LogConfig.MaxFileSizeMB)
      })
    )
  })

  it("leaves nothing for a client to interpolate in the driver's config, and means what it says", () => {
    FastCheck.assert(
      FastCheck.property(anyInput, anyText, (input, command) => {
        const spec = all(input, command)[name]
        assert.isDefined(spec)
        for (const text of strings(taskOf(spec).Config)) {
          assert.notInclude(text.replaceAll("$${", ""), "${")
          assert.notInclude(text.replaceAll("%%{", ""), "%{")
          assert.strictEqual(driverText(asTheClientReads(text)), text)
        }
      })
    )
  })

  it("has a script that is the same for every input", () => {
    FastCheck.assert(
      FastCheck.property(anyInput, (input) => {
        const script = taskOf(specOf(input)).Config.entrypoint?.[2]
        assert.strictEqual(script, taskOf(specOf(phaseInput())).Config.entrypoint?.[2])
      })
    )
  })

  it("is the same job, byte by byte, however the input's maps are ordered", () => {
    FastCheck.assert(
      FastCheck.property(anyInput, (input) => {
        assert.strictEqual(JSON.stringify(specOf(input)), JSON.stringify(specOf(reordered(input))))
      })
    )
  })
})

describe("a driver's text", () => {
  it("survives the client's template reading unchanged", () => {
    FastCheck.assert(
      FastCheck.property(anyText, (text) => {
        assert.strictEqual(asTheClientReads(driverText(text)), text)
      })
    )
  })

  it("doubles the mark before every brace that would open a template", () => {
    assert.strictEqual(
      driverText("curl -w '%{http_code}' ${URL} $URL $(x) $$${y}"),
      "curl -w '%%{http_code}' $${URL} $URL $(x) $$$${y}"
    )
  })
})

describe("the scripts", () => {
  const scripts = { buildScript, publishScript, cleanupScript, testWrapper }

  it.each(Object.entries(scripts))("%s reads the same in Nomad as it runs", (_, script) => {
    assert.strictEqual(driverText(script), script)
  })

  it.each(Object.entries(scripts))("%s outlives its last output", (_, script) => {
    assert.match(script, /\n *sleep 1[^\n]*\n *exit "[^\n]*"\n/)
  })

  it.each(Object.entries(scripts))("%s never lets a shell read data as source", (_, script) => {
    assert.notMatch(script, /^ *(eval|source|\.) /m)
  })
})

const reordered = (input: PhaseInput): PhaseInput => ({
  ...input,
  job: {
    ...input.job,
    test: {
      ...input.job.test,
      env: backwards(input.job.test.env),
      vault_secrets: input.job.test.vault_secrets.map(({ path, fields }) => ({ path, fields: backwards(fields) }))
    }
  }
})

const backwards = <A>(record: Readonly<Record<string, A>>): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(record).toReversed())
