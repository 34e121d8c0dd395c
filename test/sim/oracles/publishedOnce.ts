import { resolveJob, testCases } from "../../../src/domain/resolve.ts"
import { isTerminal, type Status } from "../../../src/domain/Status.ts"
import { readSettings } from "../../../src/store/Settings.ts"
import type { Execution } from "../SimClients.ts"
import type { RegistryWrite } from "../SimRegistry.ts"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"
import type { StatusBook } from "./StatusBook.ts"

/**
 * What a run publishes is one digest, published by a run that is still under way, after every test of that generation
 * passed on that very digest; and an older generation never takes a tag back from a newer one.
 *
 * What a client does while nobody can reach it is beyond anybody's power until it stops its tasks by itself: its writes
 * don't count, and no marker keeps it from repeating what another client has done meanwhile.
 */
export const publishedOnce = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => {
  const passed = new Set<string>()
  const published = new Map<string, { readonly digest: string; readonly complete: boolean }>()
  const newest = new Map<string, { readonly name: string; readonly generation: number }>()

  world.clients.observe({
    started: () => {},
    ended: (execution, exitCode) => {
      if (exitCode === 0) passed.add(testKey(execution))
    }
  })

  const untested = (run: Status, digest: string): ReadonlyArray<string> =>
    casesOf(run)
      .map((name) => `${run.job_id ?? ""} ${name}`)
      .filter((name) => !passed.has(`${name} ${digest}`))

  const judge = (write: RegistryWrite, digest: string, run: Status): void => {
    const what = `${write.nomadJobId} moved ${write.image} to ${digest.slice(7, 15)}`
    const before = published.get(write.jobId)
    const complete = write.image.endsWith(`:${write.jobId}`)
    // A build without tests that died before its marker has published nothing yet: another attempt may begin anew.
    if (before !== undefined && before.digest !== digest && (before.complete || write.phase === "publish")) {
      report(`${what}, after the run had published ${before.digest.slice(7, 15)}`)
    }
    published.set(write.jobId, { digest, complete: complete || before?.complete === true })
    const missing = untested(run, digest)
    if (missing.length > 0) report(`${what}, which has not passed ${missing.join(", ")}`)
    const stored = book.of(run.name)
    if (stored?.job_id !== write.jobId) report(`${what}, though ${stored?.job_id ?? "nothing"} is the present run`)
    else if (isTerminal(stored.status)) report(`${what}, though its run is ${stored.status} (${stored.reason ?? ""})`)
    const last = newest.get(write.image)
    if (last !== undefined && last.name === run.name && last.generation > run.generation) {
      report(`${what}, taken back from generation ${last.generation} by ${run.generation}`)
    }
    newest.set(write.image, { name: run.name, generation: run.generation })
  }

  world.registry.observe((write) => {
    if (write.digest === undefined || isTemporary(write.image)) return
    if (world.clients.outOfReach.has(write.allocationId)) return
    const run = book.ofRun(write.jobId)
    if (run === undefined) report(`${write.nomadJobId} moved ${write.image}, and no status tells of its run`)
    else judge(write, write.digest, run)
  })

  return {
    atRest: () => {
      for (const { name, status, digest, images, job_id } of book.all) {
        if (status !== "SUCCEEDED") continue
        const [marker = ""] = images
        const shown = world.registry.digestOf(marker)
        if (digest === undefined || shown !== digest) {
          report(
            `${name} (${job_id ?? ""}) succeeded with ${digest ?? "nothing"}, and ${marker} shows ${shown ?? "nothing"}`
          )
        }
      }
    }
  }
}

const isTemporary = (image: string): boolean => image.startsWith("registry.sim:5000/temp/")

const { policy } = readSettings({}, {}).settings

const casesOf = ({ config }: Status): ReadonlyArray<string> =>
  config === undefined
    ? []
    : testCases(resolveJob(config, policy.defaults)).map((one) =>
        one.kind === "command" ? `command ${one.index}` : "entrypoint"
      )

const testKey = ({ job }: Execution): string => {
  const meta = job.Meta ?? {}
  const image = job.TaskGroups?.[0]?.Tasks?.[0]?.Config?.["image"]
  const name = meta["test-type"] === "command" ? `command ${meta["test-index"] ?? ""}` : "entrypoint"
  const digest = typeof image === "string" ? image.slice(image.indexOf("@") + 1) : ""
  return `${meta["build-service-job-id"] ?? ""} ${name} ${digest}`
}
