import { Option } from "effect"
import { registryHost } from "../domain/ImageReference.ts"
import type { PhaseInput } from "./PhaseInput.ts"

/** Docker, too, speaks plain HTTP to registries on the own machine without being told to. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)

/** What a step may do without TLS: the operator's list, and those of the registries it speaks to that are on its own machine. */
export const insecureRegistries = (input: PhaseInput, images: ReadonlyArray<string>): ReadonlyArray<string> => {
  const own = [input.job.registry_url, ...images].map(registryHost).filter(isLoopback)
  return [...new Set([...input.settings.insecureRegistries, ...own])].toSorted()
}

export interface RegistryLogin {
  /** A registry's host, or one repository on it: of an auth file's keys the longest that fits counts. */
  readonly scope: string
  readonly path: string
}

/**
 * The logins of a step, by Vault path. The job's own is for its registry, from which base images may come too. The
 * service's is for the one repository of the job's temporary image: it would otherwise push wherever a job likes.
 */
export const registryLogins = (input: PhaseInput, temporary: Option.Option<string>): ReadonlyArray<RegistryLogin> => {
  const ofJob = input.job.registry_credentials_path
  const ofService = input.settings.temporaryRegistryCredentialsPath
  return [
    ...(ofJob === undefined ? [] : [{ scope: registryHost(input.job.registry_url), path: ofJob }]),
    ...(ofService === undefined
      ? []
      : Option.toArray(temporary).map((image) => ({ scope: repository(image), path: ofService })))
  ]
}

const repository = (image: string): string => image.replace(/(:[^:/@]*)?(@.*)?$/, "")
