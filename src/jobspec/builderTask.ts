import { driverText } from "./driverText.ts"
import type { DockerConfig, HostVolume, Task, VolumeMount } from "./NomadJob.ts"
import type { PhaseInput } from "./PhaseInput.ts"
import { insecureRegistries } from "./registries.ts"
import type { SpecSettings } from "./SpecSettings.ts"

/** What the builder image's own user is called. */
export const builderUser = "build"

/** A static script with what varies as its arguments. */
export const scriptEntrypoint = (script: string, args: ReadonlyArray<string>): ReadonlyArray<string> =>
  ["sh", "-c", script, "jobforge", ...args].map(driverText)

/** A step that needs no privilege at all, since it only talks to registries. */
export const unprivileged = (
  image: string,
  entrypoint: ReadonlyArray<string>
): Omit<DockerConfig, "network_mode" | "logging"> => ({
  image: driverText(image),
  entrypoint,
  cap_drop: ["all"],
  security_opt: ["no-new-privileges"]
})

/** Environment of every step that talks to registries; the scripts' comments say what each variable is for. */
export const registryEnvironment = (
  input: PhaseInput,
  images: ReadonlyArray<string>
): Readonly<Record<string, string>> => ({
  ...input.settings.environment,
  ...trustEnvironment(input.settings),
  JOBFORGE_INSECURE_REGISTRIES: insecureRegistries(input, images).join(" ")
})

export const certificateVolume = ({ certificates }: SpecSettings): Readonly<Record<string, HostVolume>> =>
  certificates === undefined
    ? {}
    : { certificates: { Name: "certificates", Type: "host", Source: certificates.volume, ReadOnly: true } }

export const certificateMount = ({ certificates }: SpecSettings): ReadonlyArray<VolumeMount> =>
  certificates === undefined
    ? []
    : [{ Volume: "certificates", Destination: certificates.destination, ReadOnly: true, PropagationMode: "private" }]

/** The parts of a task that has nothing but certificates mounted. */
export const registryTask = (
  input: PhaseInput,
  environment: Readonly<Record<string, string>>
): Pick<Task, "User" | "Env" | "VolumeMounts"> => ({
  User: builderUser,
  Env: environment,
  VolumeMounts: certificateMount(input.settings)
})

/** Git and the Go programs name the same file differently. */
const trustEnvironment = ({ certificates }: SpecSettings): Readonly<Record<string, string>> => {
  if (certificates?.bundle === undefined) return {}
  const file = `${certificates.destination}/${certificates.bundle}`
  return { GIT_SSL_CAINFO: file, SSL_CERT_FILE: file }
}
