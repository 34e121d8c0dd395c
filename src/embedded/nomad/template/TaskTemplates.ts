import { Context, Effect, Either } from "effect"
import type { AllocationFolder } from "../client/AllocationFolder.ts"
import { interpolate, type Values } from "../client/taskEnvironment.ts"
import type { Task, Template } from "../machine/JobSpec.ts"
import { parseEnvFile } from "./parseEnvFile.ts"
import { parseTemplate, readsVault } from "./parseTemplate.ts"
import { renderTemplate } from "./renderTemplate.ts"
import { type FindSecret, readSecretsFile } from "./SecretsFile.ts"

/** Where secrets come from; none is a Nomad without Vault. */
export class Secrets extends Context.Tag("jobforge/embedded/Secrets")<
  Secrets,
  {
    readonly enabled: boolean
    /** As the file has them now, so that what was missing can be added while a task waits for it. */
    readonly read: Effect.Effect<FindSecret>
  }
>() {
  static readonly none = Secrets.of({ enabled: false, read: Effect.succeed(() => undefined) })

  static readonly ofFile = (path: string) =>
    Secrets.of({
      enabled: true,
      // A file that is being edited counts as one without secrets: the tasks that need one wait.
      read: Effect.catchAll(readSecretsFile(path), (error) =>
        Effect.as(Effect.logWarning("secrets are missing", error.message), () => undefined)
      )
    })
}

export type TemplatesOutcome =
  | { readonly _tag: "Ready"; readonly env: Values }
  | { readonly _tag: "Missing"; readonly dependencies: ReadonlyArray<string> }
  | { readonly _tag: "Failed"; readonly reason: string }

/** What is wrong with a task's templates or its Vault block before it runs anywhere. */
export const templateRefusals = (task: Task, vaultEnabled: boolean): ReadonlyArray<string> => {
  const refusals: Array<string> = []
  if (task.Vault !== null && !vaultEnabled) {
    refusals.push(`Vault ${JSON.stringify(task.Vault.Cluster)} not enabled but used in the job`)
  }
  for (const [index, template] of (task.Templates ?? []).entries()) {
    const parsed = parseTemplate(template.EmbeddedTmpl, template.LeftDelim, template.RightDelim)
    const where = `Task ${task.Name} template ${index + 1}`
    if (Either.isLeft(parsed)) refusals.push(`${where}: ${parsed.left}`)
    else if (task.Vault === null && readsVault(parsed.right)) {
      refusals.push(`${where}: it reads Vault, but the task has no vault block`)
    }
  }
  return refusals
}

/** Renders all of a task's templates, or none while a secret is missing, and writes them into its folders. */
export const renderTemplates = Effect.fn("TaskTemplates.render")(function* (
  task: Task,
  environment: Values,
  node: Values,
  folder: AllocationFolder
): Effect.fn.Return<TemplatesOutcome, never, Secrets> {
  const secrets = yield* Secrets
  const find = yield* secrets.read
  const texts: Array<readonly [template: Template, text: string]> = []
  const missing = new Set<string>()
  for (const template of task.Templates ?? []) {
    const rendered = renderOne(template, environment, find)
    if (rendered._tag === "Failed") return rendered
    if (rendered._tag === "Text") texts.push([template, rendered.text])
    else for (const dependency of rendered.dependencies) missing.add(dependency)
  }
  if (missing.size > 0) return { _tag: "Missing", dependencies: [...missing].toSorted() }
  const env = new Map<string, string>()
  for (const [template, text] of texts) {
    const destination = interpolate(template.DestPath, { ...node, ...environment })
    const written = yield* Effect.either(
      Effect.uninterruptible(
        Effect.tryPromise({
          try: () => folder.write(destination, text, template.Perms),
          catch: (error) => (error instanceof Error ? error.message : String(error))
        })
      )
    )
    if (Either.isLeft(written)) return { _tag: "Failed", reason: written.left }
    const read = template.Envvars ? parseEnvFile(text) : Either.right<Values>({})
    if (Either.isLeft(read)) return { _tag: "Failed", reason: `error parsing env template: ${read.left}` }
    for (const [name, value] of Object.entries(read.right)) env.set(name, value)
  }
  return { _tag: "Ready", env: Object.fromEntries(env) }
})

const renderOne = (template: Template, environment: Values, find: FindSecret) => {
  const parsed = parseTemplate(template.EmbeddedTmpl, template.LeftDelim, template.RightDelim)
  if (Either.isLeft(parsed)) return { _tag: "Failed" as const, reason: parsed.left }
  return renderTemplate(parsed.right, {
    secret: (path) => {
      const fields = find(path)
      return fields === undefined ? undefined : { Data: { data: fields, metadata: { version: 1 } } }
    },
    env: (name) => environment[name],
    errMissingKey: template.ErrMissingKey
  })
}
