import { Option } from "effect"
import { batchJob, sorted } from "./batchJob.ts"
import { certificateVolume, registryEnvironment, registryTask, scriptEntrypoint, unprivileged } from "./builderTask.ts"
import type { NomadJob } from "./NomadJob.ts"
import type { PhaseInput } from "./PhaseInput.ts"
import { publishScript } from "./publishScript.ts"
import { registryLogins } from "./registries.ts"
import { registryTemplates } from "./vaultTemplates.ts"

/** Copies `source` (`repository@digest`) to every image, of which the one tagged with the job's id comes first. */
export const publishSpec = (
  input: PhaseInput,
  source: string,
  digest: string,
  images: ReadonlyArray<string>
): NomadJob =>
  batchJob(input, {
    phase: "publish",
    limits: input.job.resources.publish,
    docker: unprivileged(input.settings.images.publisher, scriptEntrypoint(publishScript, images)),
    templates: registryTemplates(registryLogins(input, Option.some(source)), input.settings),
    group: { Volumes: certificateVolume(input.settings) },
    task: registryTask(
      input,
      sorted({ ...registryEnvironment(input, [source, ...images]), JOBFORGE_DIGEST: digest, JOBFORGE_SOURCE: source })
    )
  })
