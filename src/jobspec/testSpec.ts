import type { ResolvedTest, TestCase } from "../domain/resolve.ts"
import { policyRoles } from "../domain/vaultRoles.ts"
import { batchJob, sorted } from "./batchJob.ts"
import { driverText } from "./driverText.ts"
import type { Constraint, NomadJob } from "./NomadJob.ts"
import type { PhaseInput } from "./PhaseInput.ts"
import type { SpecSettings } from "./SpecSettings.ts"
import { testTemplates } from "./vaultTemplates.ts"
import { testWrapper } from "./testWrapper.ts"

/**
 * The image under test itself, with docker's default capabilities and nothing of ours mounted: no registry login either,
 * since the tested code could read it; the client's docker plugin has one of its own.
 *
 * A command replaces the image's entry point: as docker's `command` it would become the entry point's arguments.
 */
export const testSpec = (input: PhaseInput, testCase: TestCase, imageByDigest: string): NomadJob => {
  const { job, settings } = input
  const { test } = job
  const gpu = usesGpu(test)
  const constraints = [...(gpu ? [gpuConstraint] : []), ...test.constraints.map(constraint)]
  const [vaultRole] = policyRoles(test.vault_policies, settings.vaultPolicyRoles)
  const image = driverText(imageByDigest)
  return batchJob(input, {
    phase: "test",
    meta: testMeta(testCase),
    limits: job.resources.test,
    docker: {
      image,
      ...(testCase.kind === "command"
        ? { entrypoint: ["sh", "-c", testWrapper, "sh", testCase.command].map(driverText) }
        : {}),
      ...(gpu ? { runtime: "nvidia" } : {})
    },
    templates: testTemplates(test, settings),
    ...(test.vault_policies.length === 0 ? {} : { vaultPolicies: test.vault_policies }),
    ...(vaultRole === undefined ? {} : { vaultRole }),
    group: constraints.length === 0 ? {} : { Constraints: constraints },
    task: { Env: environment(test, settings) },
    ...(asksForDevices(test, settings) ? { devices: [{ Name: "nvidia/gpu", Count: test.gpu_count }] } : {})
  })
}

/** Characters of a command that its Nomad job shows; the status has all of it. */
const shownCommandLength = 200

const testMeta = (testCase: TestCase): Readonly<Record<string, string>> =>
  testCase.kind === "entry-point"
    ? { "test-type": "entrypoint" }
    : {
        "test-type": "command",
        "test-index": String(testCase.index),
        "test-command": Array.from(testCase.command).slice(0, shownCommandLength).join("")
      }

/** What the operator marks GPU clients with. */
const gpuConstraint: Constraint = { LTarget: "${meta.gpu-capable}", RTarget: "true", Operand: "=" }

const constraint = ({ attribute, value, operand }: ResolvedTest["constraints"][number]): Constraint => ({
  LTarget: attribute,
  RTarget: value,
  Operand: operand
})

const usesGpu = (test: ResolvedTest): boolean => test.gpu_required || test.gpu_count > 0

const asksForDevices = (test: ResolvedTest, settings: SpecSettings): boolean => settings.gpuDevice && test.gpu_count > 0

/** With a device, the device plugin sets the variable to the GPUs that the task was given: `all` would undo that. */
const environment = (test: ResolvedTest, settings: SpecSettings): Readonly<Record<string, string>> =>
  sorted({
    ...(usesGpu(test) && !asksForDevices(test, settings) ? { NVIDIA_VISIBLE_DEVICES: "all" } : {}),
    ...test.env
  })
