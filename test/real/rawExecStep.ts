import { driverText } from "../../src/jobspec/driverText.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"

/**
 * A step as the service makes it, Vault block and templates untouched, with a shell in the place of its container: it
 * copies what it was given to a folder that is called as the job, and ends as if it had built or published.
 */
export const rawExecStep = (job: NomadJob, folder: string): RawExecJob => {
  const [{ Volumes: _volumes, ...group }] = job.TaskGroups
  const [{ User: _user, VolumeMounts: _mounts, ...task }] = group.Tasks
  return {
    ...job,
    Datacenters: ["dc1"],
    TaskGroups: [
      {
        ...group,
        EphemeralDisk: { SizeMB: 100 },
        Tasks: [
          {
            ...task,
            Driver: "raw_exec",
            Config: { command: "/bin/sh", args: ["-c", driverText(script), "step", folder, ...imagesOf(job)] },
            Resources: { CPU: 20, MemoryMB: 32 },
            LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 }
          }
        ]
      }
    ]
  }
}

/** What Nomad reads of it is Nomad's affair. */
interface RawExecJob extends Pick<NomadJob, "ID" | "Datacenters"> {
  readonly TaskGroups: ReadonlyArray<object>
}

/** The fourth and further words that a step's script is run with. */
const imagesOf = (job: NomadJob): ReadonlyArray<string> => job.TaskGroups[0].Tasks[0].Config.entrypoint?.slice(4) ?? []

export const digest = `sha256:${"5".repeat(64)}`

const script = `
folder=$1/$NOMAD_JOB_ID
shift
mkdir -p "$folder"
cp -R "$NOMAD_SECRETS_DIR/." "$folder"
env > "$folder/env"
printf %s "$DB_PASSWORD" > "$folder/DB_PASSWORD"
list=
for image; do list="$list\${list:+,}\\"$image\\""; done
printf '{"digest":"${digest}","commit":"%s","images":[%s]}' "$(printf %040d 7)" "$list" > "$NOMAD_ALLOC_DIR/result.json"
touch "$folder/done"
sleep 0.3
`
