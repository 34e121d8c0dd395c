import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { JobForge } from "../../src/client/JobForge.ts"
import type { JobInput } from "../../src/api/Requests.ts"
import { makeRepository } from "../demo/repository.ts"

/** By the names of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Something that the caller must mend before anything can be tested. */
export class NotReady extends Error {}

/** The service that is meant: `JOB_SERVICE_URL`, else a healthy instance of it in the catalog of the Consul that is named. */
export const findService = async (environment: Environment): Promise<JobForge> => {
  const token = tokenOf(environment)
  const shared = token === undefined ? {} : { token }
  const url = given(environment, "JOB_SERVICE_URL")
  if (url !== undefined) return new JobForge({ ...shared, baseUrl: withScheme(url, "http") })
  const consulToken = given(environment, "CONSUL_HTTP_TOKEN")
  const scheme = environment["CONSUL_HTTP_SSL"] === "true" ? "https" : "http"
  const consul = withScheme(given(environment, "CONSUL_HTTP_ADDR") ?? "127.0.0.1:8500", scheme)
  try {
    return await JobForge.discover({ ...shared, consul, ...(consulToken === undefined ? {} : { consulToken }) })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new NotReady(`no service found through Consul at ${consul}: ${why}; set CONSUL_HTTP_ADDR or JOB_SERVICE_URL`)
  }
}

/** Where the logs and results are written. */
export const resultsFolder = (environment: Environment): string =>
  resolve(given(environment, "TEST_RESULTS") ?? "test_results")

/** The job that is submitted, apart from the environment of its test. */
export const helloWorld = (service: string, environment: Environment): JobInput => {
  const local = isLocal(service)
  const repository = given(environment, "REPO_URL")
  const registry = given(environment, "REGISTRY_URL")
  if (repository === undefined && !local) {
    throw new NotReady(
      "REPO_URL is missing: a Git repository that the cluster can clone, whose image prints `Hello World`, or `Hello <WORLD>`"
    )
  }
  if (registry === undefined && !local) {
    throw new NotReady("REGISTRY_URL is missing: host[:port][/namespace] that the cluster can push to")
  }
  return {
    owner: given(environment, "OWNER") ?? "integration-test",
    repo_url: repository ?? makeRepository(join(resultsFolder(environment), "hello-world")),
    git_ref: given(environment, "GIT_REF") ?? "main",
    image_name: given(environment, "IMAGE_NAME") ?? "jobforge/hello-world",
    image_tags: ["integration-test"],
    registry_url: registry ?? "127.0.0.1:5000",
    ...member("git_credentials_path", given(environment, "GIT_CREDENTIALS_PATH")),
    ...member("registry_credentials_path", given(environment, "REGISTRY_CREDENTIALS_PATH"))
  }
}

const member = <K extends string>(name: K, value: string | undefined): { readonly [k in K]?: string } | {} =>
  value === undefined ? {} : { [name]: value }

/** What runs on this machine sees its folders, and the registry that `jobforge dev` starts. */
const isLocal = (service: string): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(new URL(service).hostname)

const given = (environment: Environment, name: string): string | undefined => environment[name] || undefined

const withScheme = (address: string, scheme: string): string =>
  /^https?:\/\//i.test(address) ? address : `${scheme}://${address}`

const tokenOf = (environment: Environment): string | undefined => {
  const file = given(environment, "JOB_SERVICE_TOKEN_FILE")
  if (file === undefined) return given(environment, "JOB_SERVICE_TOKEN")
  if (!existsSync(file)) throw new NotReady(`JOB_SERVICE_TOKEN_FILE: there is no file ${file}`)
  return readFileSync(file, "utf8").trim()
}
