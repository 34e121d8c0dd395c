import { Option } from "effect"
import { batchJob, sorted } from "./batchJob.ts"
import { certificateVolume, registryEnvironment, registryTask, scriptEntrypoint, unprivileged } from "./builderTask.ts"
import { cleanupScript } from "./cleanupScript.ts"
import type { NomadJob } from "./NomadJob.ts"
import type { PhaseInput } from "./PhaseInput.ts"
import { registryLogins } from "./registries.ts"
import { registryTemplates } from "./vaultTemplates.ts"

/** Deletes a temporary image. Only that: a final image's other tags would go with it. */
export const cleanupSpec = (input: PhaseInput, image: string): NomadJob =>
  batchJob(input, {
    phase: "cleanup",
    limits: input.settings.cleanupLimits,
    docker: unprivileged(input.settings.images.publisher, scriptEntrypoint(cleanupScript, [image])),
    templates: registryTemplates(registryLogins(input, Option.some(image)), input.settings),
    group: { Volumes: certificateVolume(input.settings) },
    task: registryTask(input, sorted(registryEnvironment(input, [image])))
  })
