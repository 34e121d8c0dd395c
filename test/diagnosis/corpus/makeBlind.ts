import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { isTerminal, type Status } from "../../../src/domain/Status.ts"
import { aptCases } from "./blindCases/aptCases.ts"
import type { BlindCase } from "./blindCases/BlindCase.ts"
import { compilerCases } from "./blindCases/compilerCases.ts"
import { dockerfileCases } from "./blindCases/dockerfileCases.ts"
import { npmCases } from "./blindCases/npmCases.ts"
import { recordedCases } from "./blindCases/recordedCases.ts"
import { pythonCases } from "./blindCases/pythonCases.ts"
import { sourceCases } from "./blindCases/sourceCases.ts"
import { statusCases } from "./blindCases/statusCases.ts"
import { systemCases } from "./blindCases/systemCases.ts"
import { testCases } from "./blindCases/testCases.ts"
import { openWorkshop, statusOf, type Workshop } from "./blindCases/Workshop.ts"

/**
 * Makes the blind half of the corpus: `tsx test/diagnosis/corpus/makeBlind.ts [--bases FOLDER] [NAME...]`.
 *
 * Each case is a record that the whole product takes, builds and tests, and that fails; what is written down is what the
 * product archived of it. Blind, since whoever labels a case doesn't know the classifier, and the other way round. Needs
 * root, Debian's mirrors and the registries of npm, PyPI and Go.
 */
const main = async (args: ReadonlyArray<string>): Promise<void> => {
  const at = args.indexOf("--bases")
  const bases = at < 0 ? join(tmpdir(), "jobforge-corpus-bases") : (args[at + 1] ?? "")
  const names = new Set(args.filter((_, index) => at < 0 || (index !== at && index !== at + 1)))
  const chosen = allCases.filter(({ name }) => names.size === 0 || names.has(name))
  for (const { name, ...known } of recordedCases.filter((one) => names.size === 0 || names.has(one.name))) {
    writeCase(name, known, { stdout: "", stderr: "" })
  }
  if (chosen.length === 0) return
  const workshop = await openWorkshop(bases, say)
  try {
    for (const one of chosen) {
      const problem = await make(workshop, one).catch((error: unknown) => String(error))
      say(`${one.name}: ${problem}`)
      workshop.unlimited()
    }
  } finally {
    await workshop.close()
  }
}

const allCases: ReadonlyArray<BlindCase> = [
  ...dockerfileCases,
  ...systemCases,
  ...testCases,
  ...sourceCases,
  ...statusCases,
  ...npmCases,
  ...pythonCases,
  ...aptCases,
  ...compilerCases
]

const say = (line: string): void => {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}

const make = async (workshop: Workshop, one: BlindCase): Promise<string> => {
  const { installation, surroundings } = workshop
  const project = one.project ?? "notes"
  const given = typeof one.dockerfile === "string" ? one.dockerfile : one.dockerfile(surroundings)
  const dockerfile = given.replaceAll("BASE/", `${workshop.base}/`)
  const test = typeof one.test === "function" ? one.test(surroundings) : one.test
  await workshop.commit(project, one.name, { Dockerfile: dockerfile, ...one.files })
  for (const [key, value] of Object.entries(one.settings ?? {})) await workshop.setting(key, value)
  await one.before?.(surroundings)
  const usual = {
    owner: "web",
    repo_url: `${surroundings.git}/${project}.git`,
    git_ref: one.name,
    image_name: `web/${project}`,
    registry_url: installation.registry,
    ...(test === undefined ? {} : { test })
  }
  await installation.put(one.name, { ...usual, ...one.record?.(surroundings, usual) })
  await one.meanwhile?.(surroundings, one.name)
  const status = await ended(workshop, one.name)
  for (const key of Object.keys(one.settings ?? {})) await workshop.setting(key, undefined)
  return write(workshop, one, status, one.phase === "build" ? { dockerfile } : { dockerfile, ...commandOf(one, test) })
}

/** The command that fails, as the record has it. */
const commandOf = ({ step }: BlindCase, test: object | undefined): { readonly command?: string } => {
  if (step?.kind !== "command" || test === undefined || !("commands" in test)) return {}
  const { commands } = test
  const command: unknown = Array.isArray(commands) ? commands[step.index] : undefined
  return typeof command === "string" ? { command } : {}
}

const ended = async ({ installation }: Workshop, name: string): Promise<Status> => {
  for (let round = 0; round < 1200; round++) {
    const status = await statusOf(installation, name)
    const over = status?.attempts.every(({ outcome }) => outcome !== undefined)
    if (status !== undefined && over === true && isTerminal(status.status)) return status
    await pause(250)
  }
  throw new Error("it does not end")
}

const write = async (
  { installation }: Workshop,
  one: BlindCase,
  status: Status,
  texts: { readonly dockerfile: string; readonly command?: string }
): Promise<string> => {
  if (status.status !== "FAILED") return `NOT FAILED: ${status.status}`
  const attempt = status.attempts.findLast(
    ({ outcome, phase }) => phase === one.phase && outcome !== undefined && outcome.result !== "succeeded"
  )
  const outcome = attempt?.outcome?.result === "succeeded" ? undefined : attempt?.outcome
  const reason = outcome?.reason ?? status.reason
  const message = outcome?.message ?? status.error
  const code = outcome?.exit_code
  const logs = { stdout: "", stderr: "" }
  for (const stream of ["stdout", "stderr"] as const) {
    if (attempt !== undefined) logs[stream] = await installation.log(status, attempt.nomad_job_id, stream)
  }
  const known = {
    label: one.label,
    ...(one.also === undefined ? {} : { also: one.also }),
    phase: one.phase,
    ...(code === undefined ? {} : { exit_code: code }),
    reason,
    ...(message === undefined ? {} : { message }),
    ...texts,
    note: one.note,
    ...(one.step === undefined ? {} : { step: one.step }),
    ...(one.errorContains === undefined ? {} : { error_contains: one.errorContains })
  }
  writeCase(one.name, known, logs)
  const seen = `${logs.stdout}${logs.stderr}${message ?? ""}`
  const absent = one.errorContains !== undefined && !seen.includes(one.errorContains)
  const elsewhere = status.failed_phase !== undefined && status.failed_phase !== one.phase
  return [
    reason ?? "no reason",
    String(code ?? "no code"),
    message ?? "",
    ...(absent ? ["ERROR LINE NOT FOUND"] : []),
    ...(elsewhere ? [`FAILED IN ${status.failed_phase}`] : [])
  ].join(" | ")
}

const writeCase = (name: string, known: object, logs: { readonly stdout: string; readonly stderr: string }): void => {
  const folder = join(import.meta.dirname, "blind", name)
  mkdirSync(folder, { recursive: true })
  for (const stream of ["stdout", "stderr"] as const) writeFileSync(join(folder, stream), cut(logs[stream]))
  writeFileSync(join(folder, "case.json"), `${JSON.stringify(known, null, 2)}\n`)
  execFileSync("npx", ["oxfmt", join(folder, "case.json")], { stdio: "ignore" })
}

const limit = 64 * 1024

/** As recorded; of a longer one the middle is cut out, at ends of lines. */
const cut = (log: string): string => {
  const bytes = Buffer.from(log)
  if (bytes.length < limit) return log
  const room = Math.floor(limit / 2) - 64
  const head = bytes.subarray(0, bytes.lastIndexOf("\n", room) + 1)
  const tail = bytes.subarray(bytes.indexOf("\n", bytes.length - room) + 1)
  const lost = bytes.length - head.length - tail.length
  return `${head.toString()}[${lost} bytes were cut out here]\n${tail.toString()}`
}

await main(process.argv.slice(2))
