import { readFile } from "node:fs/promises"
import { Data, Effect } from "effect"
import { load } from "js-yaml"
import { isObject } from "../machine/GoJson.ts"

/** The file with the secrets is not there or not what it should be. */
export class SecretsFileError extends Data.TaggedError("SecretsFileError")<{
  readonly path: string
  readonly why: string
}> {
  override get message(): string {
    return `cannot use the secrets file ${this.path}: ${this.why}`
  }
}

/** Finds the fields of a secret by its path, written with or without the `data/` of Vault's API. */
export type FindSecret = (path: string) => Readonly<Record<string, unknown>> | undefined

/** Reads `path: {field: value}` from YAML or JSON. Values never appear in errors. */
export const readSecretsFile = (path: string): Effect.Effect<FindSecret, SecretsFileError> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (error) => new SecretsFileError({ path, why: codeOf(error) })
  }).pipe(Effect.flatMap((text) => parse(path, text)))

const parse = (path: string, text: string): Effect.Effect<FindSecret, SecretsFileError> =>
  Effect.try({
    try: () => load(text),
    // The parser's message quotes the line, which is a secret.
    catch: () => new SecretsFileError({ path, why: "it is neither YAML nor JSON" })
  }).pipe(
    Effect.flatMap((content) => {
      const secrets = new Map<string, Readonly<Record<string, unknown>>>()
      if (!isObject(content)) return new SecretsFileError({ path, why: "it must map paths to fields" })
      for (const [name, fields] of Object.entries(content)) {
        if (!isObject(fields))
          return new SecretsFileError({ path, why: `${JSON.stringify(name)} must map fields to values` })
        secrets.set(logicalPath(name), fields)
      }
      return Effect.succeed((asked: string) => secrets.get(logicalPath(asked)))
    })
  )

/** `secret/data/git` and `/secret/git/` name the same secret, and so do `secret/nomad/jobs/git` and `nomad/jobs/git`. */
const logicalPath = (path: string): string => {
  const names = path.split("/").filter((name) => name !== "")
  const [mount = "", ...rest] = names[0] === "nomad" && names[1] === "jobs" ? ["secret", ...names] : names
  return [mount, ...(rest[0] === "data" ? rest.slice(1) : rest)].join("/")
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "it cannot be read"
