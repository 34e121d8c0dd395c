import { Array as Arr, Either, Predicate } from "effect"
import type { BuildJob } from "./BuildJob.ts"
import { confidentialValues } from "./confidentialValues.ts"
import { decodeInput, recordFaults } from "./decodeRecord.ts"
import { withoutConfidential } from "./encodeRecord.ts"
import { hashJob } from "./hashJob.ts"

/** What the ancestor's configuration of a job is here. */
export interface LegacyConfig {
  /** Undefined where a field that every job needs can't be read as this service reads it. */
  readonly job: BuildJob | undefined
  /** Of the job; empty where there is none. */
  readonly hash: string
  /** Fields that were left out, since they say nothing that this service understands. */
  readonly dropped: ReadonlyArray<string>
  /** What it said in confidence and in clear: none of it is in the job. */
  readonly secrets: ReadonlyArray<string>
}

/** The ancestor checked next to nothing: whatever it let pass is left out here, so that the rest can be shown. */
export const legacyConfig = (config: Readonly<Record<string, unknown>>): LegacyConfig => {
  const { found, password, url } = withoutPassword(config["repo_url"])
  let value = filledRecord(found ? { ...config, repo_url: url } : config)
  const secrets = [...password, ...secretsOf(config)]
  const dropped: Array<string> = []
  for (let round = 0; round < mostRounds; round++) {
    const decoded = decodeInput(value)
    if (Either.isRight(decoded)) {
      const { job } = withoutConfidential(decoded.right.job)
      return { job, hash: hashJob(job), dropped, secrets }
    }
    const paths = recordFaults(value).map(({ path }) => path.map(String))
    const present = value
    const faulty = paths.filter((path) => has(present, path))
    // What is missing can't be left out.
    if (!Arr.isNonEmptyArray(faulty)) break
    const [path] = faulty
    dropped.push(path.join("."))
    value = without(value, path)
  }
  return { job: undefined, hash: "", dropped: [], secrets }
}

/** More faults than any configuration has fields. */
const mostRounds = 64

/** Go writes what is empty as `null`, `""` or 0, where it isn't left out. */
const filledRecord = (record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([key, member]) =>
      member === null || member === "" || (member === 0 && timeouts.has(key)) ? [] : [[key, filled(member)]]
    )
  )

const filled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(filled)
  return Predicate.isRecord(value) ? filledRecord(value) : value
}

const timeouts: ReadonlySet<string> = new Set(["build_timeout", "timeout", "test_timeout"])

/** A token in the address of a repository worked for the ancestor, and was readable by all. */
const withoutPassword = (url: unknown) => {
  const parts = typeof url === "string" ? /^(https?:\/\/)([^/@]*)@(.*)$/s.exec(url) : null
  if (parts === null) return { found: false, url: "", password: [] }
  const [, scheme = "", user = "", rest = ""] = parts
  const password = user.slice(user.indexOf(":") + 1)
  return { found: true, url: `${scheme}${rest}`, password: [user, password] }
}

const secretsOf = (config: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const { webhook_headers: headers, webhook_secret: secret } = config
  return confidentialValues({
    ...(typeof secret === "string" && secret !== "" ? { webhook_secret: secret } : {}),
    webhook_headers: Object.fromEntries(
      Object.entries(Predicate.isRecord(headers) ? headers : {}).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value]] : []
      )
    )
  })
}

const has = (value: unknown, path: ReadonlyArray<string>): boolean => {
  const [key, ...deeper] = path
  if (key === undefined) return value !== undefined
  if (Array.isArray(value)) return has(value[Number(key)], deeper)
  return Predicate.isRecord(value) && Object.hasOwn(value, key) && has(value[key], deeper)
}

/** Without the member at the path; of a list that is a place in, the whole list is left out: it would mean another thing. */
const without = (
  record: Readonly<Record<string, unknown>>,
  [key = "", ...deeper]: ReadonlyArray<string>
): Readonly<Record<string, unknown>> => {
  const { [key]: member, ...rest } = record
  return deeper.length > 0 && Predicate.isRecord(member) ? { ...rest, [key]: without(member, deeper) } : rest
}
