import { randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import { copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as BuildahDriver from "../../../../../src/embedded/nomad/driver/BuildahDriver.ts"
import { confinementOf } from "../../../../../src/embedded/nomad/driver/Confinement.ts"
import { type DriverError, TaskDriver } from "../../../../../src/embedded/nomad/TaskDriver.ts"
import type { TaskContext, TaskHandle, TaskVolume } from "../../../../../src/embedded/nomad/TaskDriver.ts"
import { command } from "./commands.ts"
import { registry } from "./Registry.ts"

/** Why the tests that need real containers can't run here; undefined when they can. */
export const missing: string | undefined = ["buildah", "crun", "skopeo", "docker-registry", "busybox"].find(
  (tool) => !(process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, tool)))
)

export interface TaskRequest {
  readonly config: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly user?: string
  readonly volumes?: ReadonlyArray<TaskVolume>
}

/** A started task with what it has written so far. */
export interface RunningTask extends TaskHandle {
  readonly allocationId: string
  readonly folders: TaskContext["folders"]
  readonly stdout: () => string
  readonly stderr: () => string
  /** Closes the task's scope, as Nomad's client does when it is done with it. */
  readonly close: Effect.Effect<void>
}

/** A driver with its data folder, and a registry that holds the images `plain`, `entry` and `user`. */
export class Bench extends Context.Tag("test/Bench")<
  Bench,
  {
    readonly folder: string
    readonly registry: string
    readonly start: (request: TaskRequest) => Effect.Effect<RunningTask, DriverError, Scope.Scope>
    /** Processes, mounts, containers and folders of an allocation, or of all, that are still there. */
    readonly leftovers: (allocationId?: string) => Effect.Effect<ReadonlyArray<string>>
  }
>() {
  static readonly layer: Layer.Layer<Bench | TaskDriver> = Layer.unwrapScoped(
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-driver-"))),
        (created) =>
          Effect.promise(() =>
            // Layers may belong to subordinate ids.
            command([...confinementOf(process.getuid?.() === 0 ? "root" : "rootless").engine, "rm", "-rf", created])
          )
      )
      const address = yield* registry(join(folder, "registry"))
      yield* Effect.promise(() => pushImages(folder, address))
      const driver = BuildahDriver.layer({ dataDir: join(folder, "driver"), hostImages: [hostImage] })
      return Layer.provideMerge(Layer.effect(Bench, makeBench(folder, address)), driver)
    })
  )
}

/** buildah as this user may use it, in a mount namespace that takes its mounts along. */
export const buildah = (words: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const confinement = confinementOf(process.getuid?.() === 0 ? "root" : "rootless")
  return command([...confinement.engine, "buildah", ...words], { env: { ...confinement.env, ...env } })
}

/** Options for a store of the test's own, beside the driver's. */
export const ownStore = (folder: string): ReadonlyArray<string> => [
  "--root",
  join(folder, "b"),
  "--runroot",
  join(folder, "br"),
  "--storage-driver",
  "vfs"
]

export const hostImage = "builder/of-this-machine:1"

const makeBench = Effect.fnUntraced(function* (folder: string, address: string) {
  const driver = yield* TaskDriver
  const start = Effect.fnUntraced(function* (request: TaskRequest) {
    // What is left of one is looked for on the whole machine, where other tests run tasks too.
    const allocationId = randomUUID()
    const folders = yield* Effect.promise(() => makeFolders(join(folder, "allocations", allocationId)))
    const output = { stdout: "", stderr: "" }
    const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
    const handle = yield* driver
      .start({
        allocationId,
        jobId: "job",
        taskName: "main",
        driver: "docker",
        user: request.user ?? "",
        config: request.config,
        env: {
          NOMAD_ALLOC_DIR: "/alloc",
          NOMAD_TASK_DIR: "/local",
          NOMAD_SECRETS_DIR: "/secrets",
          NOMAD_ALLOC_ID: allocationId,
          ...request.env
        },
        folders,
        volumes: request.volumes ?? [],
        memoryMb: 128,
        cpu: 100,
        stdout: (chunk) => (output.stdout += Buffer.from(chunk).toString("latin1")),
        stderr: (chunk) => (output.stderr += Buffer.from(chunk).toString("latin1"))
      })
      .pipe(Scope.extend(scope))
    const task: RunningTask = {
      ...handle,
      allocationId,
      folders,
      stdout: () => output.stdout,
      stderr: () => output.stderr,
      close: Scope.close(scope, Exit.void)
    }
    return task
  })
  const leftovers = (allocationId = "") =>
    Effect.promise(async () => [
      ...(await processesWith(allocationId === "" ? join(folder, "driver") : allocationId)),
      ...(await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(folder)),
      ...(await containersOf(folder)).filter((name) => name.includes(allocationId)),
      ...(await readdir(join(folder, "driver", "tasks"))).filter((name) => name.includes(allocationId))
    ])
  return Bench.of({ folder, registry: address, start, leftovers })
})

const makeFolders = async (folder: string): Promise<TaskContext["folders"]> => {
  const folders = { alloc: join(folder, "alloc"), local: join(folder, "local"), secrets: join(folder, "secrets") }
  for (const each of Object.values(folders)) {
    await mkdir(each, { recursive: true })
    await command(["chmod", "0777", each])
  }
  return folders
}

const processesWith = async (allocationId: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
    if (environment.includes(allocationId)) found.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => pid))
  }
  return found
}

const containersOf = async (folder: string): Promise<ReadonlyArray<string>> => {
  const CONTAINERS_STORAGE_CONF = join(folder, "driver", "images", "storage.conf")
  const listed = await buildah(["containers", "--format", "{{.ContainerName}}"], { CONTAINERS_STORAGE_CONF })
  return listed.split("\n").filter(Boolean)
}

const dockerfiles = {
  plain: `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY passwd group /etc/
ENV PATH=/bin GREETING=hello
CMD ["sh", "-c", "echo the image speaks"]
`,
  entry: `FROM REGISTRY/plain:1
WORKDIR /srv/app
ENTRYPOINT ["sh", "-c", "echo Hello \${WORLD:-World} from $PWD with $*", "entry"]
CMD ["default"]
`,
  user: `FROM REGISTRY/plain:1
RUN mkdir -p /srv/app && chown app:app /srv/app
WORKDIR /srv/app
USER app
CMD ["sh", "-c", "id; pwd; echo $HOME $GREETING"]
`
} as const

const pushImages = async (folder: string, address: string): Promise<void> => {
  const context = join(folder, "context")
  await mkdir(context)
  await copyFile("/usr/bin/busybox", join(context, "busybox"))
  await writeFile(join(context, "passwd"), "root:x:0:0:root:/root:/bin/sh\napp:x:1234:1234::/home/app:/bin/sh\n")
  await writeFile(join(context, "group"), "root:x:0:\napp:x:1234:\nvideo:x:44:root,app\n")
  const store = ownStore(folder)
  for (const [name, dockerfile] of Object.entries(dockerfiles)) {
    const file = join(context, `Dockerfile.${name}`)
    const image = `${address}/${name}:1`
    await writeFile(file, dockerfile.replaceAll("REGISTRY", address))
    await buildah([...store, "bud", "--isolation", "chroot", "--tls-verify=false", "-f", file, "-t", image, context])
    await buildah([...store, "push", "--tls-verify=false", image])
  }
  await buildah([...store, "rmi", "--all", "--force"])
}
