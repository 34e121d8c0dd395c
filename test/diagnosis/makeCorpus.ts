import { Schema } from "effect"
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import { type ScriptFailureReason, scriptFailures } from "../../src/jobspec/ScriptFailure.ts"
import { StepFailure } from "../../src/jobspec/StepResult.ts"
import { testSpec } from "../../src/jobspec/testSpec.ts"
import { boundLog } from "../../src/store/BoundedLog.ts"
import { commitFiles, type GitServer, makeRepository, startGitServer } from "../jobspec/GitServer.ts"
import { phaseInput } from "../jobspec/phaseInputs.ts"
import { execute, start } from "../jobspec/processes.ts"
import { type Registry, startRegistry } from "../jobspec/Registry.ts"
import { runStep, startStep, type StepEnded } from "../jobspec/runStep.ts"
import { pushBases } from "./corpusBases.ts"
import type { CorpusCase } from "./CorpusCase.ts"
import { type BuildFailure, ownCases, type OwnCase, type TestFailure } from "./ownCases.ts"

/**
 * Makes this half of the corpus anew: every build by the build step's own script and Buildah, every test by the test step's
 * wrapper in the image that it is about. With names, those alone.
 */
export const makeCorpus = async (bases: string, names: ReadonlyArray<string>): Promise<void> => {
  const bench = await openBench()
  try {
    await pushBases(bases, bench.registry.host)
    for (const each of ownCases) {
      if (names.length > 0 && !names.includes(each.name)) continue
      await make(bench, each)
    }
  } finally {
    await bench.git.stop()
    await bench.registry.stop()
    rmSync(bench.folder, { recursive: true, force: true })
  }
}

interface Bench {
  readonly folder: string
  readonly registry: Registry
  readonly git: GitServer
}

const openBench = async (): Promise<Bench> => {
  const folder = mkdtempSync(`${tmpdir()}/jobforge-corpus-`)
  mkdirSync(`${folder}/git`)
  return { folder, registry: await startRegistry(folder), git: await startGitServer(`${folder}/git`) }
}

interface Seen {
  readonly expected: CorpusCase
  readonly stdout: string
  readonly stderr: string
}

const make = async (bench: Bench, each: OwnCase): Promise<void> => {
  const seen = await see(bench, each)
  const folder = `${import.meta.dirname}/corpus/own/${each.name}`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/case.json`, `${JSON.stringify(seen.expected, null, 2)}\n`)
  for (const stream of ["stdout", "stderr"] as const) writeFileSync(`${folder}/${stream}`, kept(seen[stream]))
  process.stdout.write(`${each.name}: ${seen.expected.reason} ${seen.expected.exit_code ?? ""}\n`)
}

/** As the archive cuts, but at a size that a repository can hold. */
const kept = (text: string): Uint8Array => {
  const content = Buffer.from(text)
  if (content.length <= 48 * 1024) return boundLog(content).kept
  const head = content.subarray(0, 12 * 1024)
  const tail = content.subarray(-36 * 1024)
  const cut = content.length - head.length - tail.length
  return Buffer.concat([head, Buffer.from(`\n[${cut} bytes were cut out here]\n`), tail])
}

const see = (bench: Bench, each: OwnCase): Promise<Seen> => {
  switch (each.kind) {
    case "build":
      return seeBuild(bench, each)
    case "test":
      return seeTest(bench, each)
    case "status":
      return Promise.resolve({ expected: each.expected, stdout: "", stderr: "" })
  }
}

const seeBuild = async (bench: Bench, each: OwnCase & BuildFailure): Promise<Seen> => {
  const { changes, ended } = await build(bench, each)
  const said = reasonOf(ended)
  const { message, reason } =
    each.stopAfter === undefined
      ? { message: messageOf(said), reason: said }
      : { message: "the build ran longer than 5 s", reason: "Timeout" as const }
  return {
    expected: {
      label: each.label,
      phase: "build",
      exit_code: ended.code,
      reason,
      dockerfile: each.dockerfile,
      ...(message === undefined ? {} : { message }),
      ...(changes === undefined ? {} : { config: changes }),
      note: each.note,
      ...(each.step === undefined ? {} : { step: each.step }),
      ...(each.error === undefined ? {} : { error_contains: each.error })
    },
    stdout: ended.stdout,
    stderr: ended.stderr
  }
}

const reasonOf = ({ failure }: StepEnded): ScriptFailureReason | "CommandFailed" => {
  if (failure === "") return "CommandFailed"
  const { reason } = Schema.decodeUnknownSync(StepFailure)(failure)
  const known = Object.keys(scriptFailures).find((name): name is ScriptFailureReason => name === reason)
  return known ?? "CommandFailed"
}

const messageOf = (reason: ScriptFailureReason | "CommandFailed"): string | undefined =>
  reason === "CommandFailed" ? undefined : scriptFailures[reason].message

const build = async (bench: Bench, each: OwnCase & BuildFailure) => {
  const worktree = await makeRepository(`${bench.folder}/git`, each.name)
  const server = each.token === undefined ? undefined : await startGitServer(`${bench.folder}/git`, each.token)
  const { url } = server ?? bench.git
  const placed = (text: string) => text.replaceAll("{base}", `${bench.registry.host}/base`).replaceAll("{git}", url)
  try {
    await commitFiles(worktree, {
      ...(each.dockerfile === "" ? {} : { Dockerfile: placed(each.dockerfile) }),
      ...each.files
    })
    const job = {
      registry_url: bench.registry.host,
      image_name: `corpus/${each.name}`,
      ...each.job,
      repo_url: placed(each.job?.repo_url ?? `{git}/${each.name}.git`)
    }
    const image = `${job.registry_url}/temp/${each.name}:latest`
    const spec = buildSpec(phaseInput({ job }), { kind: "temporary", image })
    shareStore(bench, spec)
    const options = {
      folder: bench.folder,
      cache: `${bench.folder}/cache`,
      ...(each.secrets === undefined ? {} : { secrets: each.secrets })
    }
    const ended =
      each.stopAfter === undefined ? await runStep(spec, options) : await stopped(spec, options, each.stopAfter)
    return { ended, changes: each.job === undefined ? undefined : { ...each.job, repo_url: job.repo_url } }
  } finally {
    await server?.stop()
  }
}

/** The cases' stores are one, so that the base images are pulled once. */
const shareStore = (bench: Bench, spec: NomadJob): void => {
  const stores = `${bench.folder}/cache/jobforge`
  mkdirSync(`${stores}/shared`, { recursive: true })
  const own = `${stores}/${spec.TaskGroups[0].Tasks[0].Env?.["JOBFORGE_CACHE_KEY"] ?? ""}`
  if (!existsSync(own)) symlinkSync("shared", own)
}

const stopped = async (spec: NomadJob, options: Parameters<typeof startStep>[1], text: string): Promise<StepEnded> => {
  const running = startStep(spec, options)
  await running.printed(text)
  running.process.kill("SIGTERM")
  return running.ended
}

const seeTest = async (bench: Bench, each: OwnCase & TestFailure): Promise<Seen> => {
  const { code, stderr, stdout } = await runTest(bench, each)
  const reason = each.reason ?? "TestFailed"
  return {
    expected: {
      label: each.label,
      phase: "test",
      exit_code: code,
      reason,
      dockerfile: each.dockerfile,
      ...(each.command === undefined ? { entry_point: true } : { command: each.command }),
      ...(each.message === undefined ? {} : { message: each.message }),
      note: each.note,
      ...(each.step === undefined ? {} : { step: each.step }),
      ...(each.error === undefined ? {} : { error_contains: each.error })
    },
    stdout,
    stderr
  }
}

/** Runs the test task's process in the image's own root folder, with its environment, limited in memory where it says so. */
const runTest = async (bench: Bench, each: OwnCase & TestFailure) => {
  const { stopAfter, ...sources } = each
  const { ended } = await build(bench, { ...sources, kind: "build" })
  if (ended.code !== 0) throw new Error(`${each.name} can't be built: ${ended.stdout}${ended.stderr}`)
  const image = `${bench.registry.host}/temp/${each.name}:latest`
  const { config } = Schema.decodeUnknownSync(ImageConfig)(
    await execute(["skopeo", "inspect", "--config", "--tls-verify=false", `docker://${image}`])
  )
  const group = `/sys/fs/cgroup/memory/corpus-${each.name}`
  const memory = each.memoryMb === undefined ? ["", ""] : [group, String(each.memoryMb)]
  const entered = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inImage, "sh"]
  const placed = [`${bench.folder}/tests`, image, config.WorkingDir ?? "/", ...memory]
  const process = processOf(each, image, [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])])
  const running = start([...entered, ...placed, ...(config.Env ?? []), ...process])
  try {
    if (stopAfter !== undefined) {
      await running.printed(stopAfter)
      running.signal("SIGTERM")
    }
    return await running.ended
  } finally {
    await execute(["rmdir", group]).catch(() => "")
  }
}

const processOf = (
  each: OwnCase & TestFailure,
  image: string,
  ofImage: ReadonlyArray<string>
): ReadonlyArray<string> => {
  if (each.command === undefined) return ofImage
  const spec = testSpec(phaseInput(), { kind: "command", index: 0, command: each.command }, image)
  const { entrypoint = [] } = spec.TaskGroups[0].Tasks[0].Config
  return entrypoint.map((text) => text.replaceAll(/([$%])\1\{/g, "$1{"))
}

/** Arguments: a store, the image, its working folder, a group and the megabytes for it, then variables and the process. */
const inImage = `store() { buildah --root "$folder/root" --runroot "$folder/run" --storage-driver overlay "$@"; }
folder=$1 image=$2 work=$3 group=$4 memory=$5
shift 5
container=$(store from -q --tls-verify=false "docker://$image" 2>/dev/null) && root=$(store mount "$container") || exit 1
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -n "$group" ]; then
  mkdir -p "$group"
  echo "\${memory}M" >"$group/memory.limit_in_bytes"
  echo 0 >"$group/cgroup.procs"
fi
exec chroot "$root" /usr/bin/env -i -C "$work" HOME=/root "$@"
`

const Words = Schema.optional(Schema.NullOr(Schema.Array(Schema.String)))
const ImageConfig = Schema.parseJson(
  Schema.Struct({
    config: Schema.Struct({ Cmd: Words, Entrypoint: Words, Env: Words, WorkingDir: Schema.optional(Schema.String) })
  })
)
