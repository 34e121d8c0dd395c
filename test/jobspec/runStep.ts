import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import { type Ended, type Running, start } from "./processes.ts"

export interface StepOptions {
  /** Where the step's folders go. */
  readonly folder: string
  /** Where the cache volume is mounted. */
  readonly cache?: string
  /** Files below `secrets/`, as templates would have made them. */
  readonly secrets?: Readonly<Record<string, string>>
  /** Put before the rest of the PATH. */
  readonly programs?: string
}

export interface StepEnded extends Ended {
  readonly result: string
  readonly failure: string
  /** What is left in the task's and in the secrets folder. */
  readonly left: ReadonlyArray<string>
}

export interface RunningStep extends Running {
  readonly ended: Promise<StepEnded>
}

/**
 * Runs what a job's task says on this machine, as root: the same script, arguments and environment, with mounts of its own
 * that end with it, but without a container.
 */
export const startStep = (job: NomadJob, options: StepOptions): RunningStep => {
  const task = job.TaskGroups[0].Tasks[0]
  const folder = mkdtempSync(`${options.folder}/step-`)
  for (const name of ["alloc", "local", "secrets", "bin"]) mkdirSync(`${folder}/${name}`)
  for (const [name, text] of Object.entries(options.secrets ?? {})) writeFileSync(`${folder}/secrets/${name}`, text)
  // The scripts' pauses are for a log collector that isn't here.
  writeFileSync(`${folder}/bin/sleep`, "#!/bin/sh\nexec /bin/sleep 0.02\n", { mode: 0o755 })
  const running = start(["unshare", "--mount", ...(task.Config.entrypoint ?? []).map(unescaped)], {
    env: {
      PATH: [options.programs ?? [], `${folder}/bin`, process.env["PATH"] ?? ""].flat().join(":"),
      HOME: folder,
      ...task.Env,
      ...(options.cache === undefined ? {} : { JOBFORGE_CACHE: options.cache }),
      NOMAD_ALLOC_DIR: `${folder}/alloc`,
      NOMAD_TASK_DIR: `${folder}/local`,
      NOMAD_SECRETS_DIR: `${folder}/secrets`
    }
  })
  const ended = running.ended.then((outcome) => ({
    ...outcome,
    result: read(`${folder}/alloc/result.json`),
    failure: read(`${folder}/alloc/failure.json`),
    left: [...readdirSync(`${folder}/local`), ...readdirSync(`${folder}/secrets`)]
  }))
  return { ...running, ended }
}

export const runStep = (job: NomadJob, options: StepOptions): Promise<StepEnded> => startStep(job, options).ended

const unescaped = (text: string): string => text.replaceAll(/([$%])\1\{/g, "$1{")

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "")
