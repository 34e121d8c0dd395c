import { Effect, Either, HashMap, Option, Schema, Stream } from "effect"
import { allocationStub } from "../../src/embedded/nomad/machine/allocationView.ts"
import { jobStub } from "../../src/embedded/nomad/machine/jobView.ts"
import {
  type Allocation as StoredAllocation,
  allocationsOfJob,
  type Evaluation as StoredEvaluation,
  evaluationsOfJob,
  type NomadState,
  type StoredJob
} from "../../src/embedded/nomad/machine/NomadState.ts"
import { type ApiError, NotFound, Unavailable } from "../../src/http/ApiError.ts"
import { Allocation } from "../../src/nomad/Allocation.ts"
import { Evaluation } from "../../src/nomad/Evaluation.ts"
import { Job, JobStub } from "../../src/nomad/Job.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { nomadEvents } from "./nomadEvents.ts"
import { registerJob } from "./nomadRegister.ts"
import type { NomadWorld } from "./NomadWorld.ts"
import type { SimClients } from "./SimClients.ts"
import type { SimProcess } from "./SimProcess.ts"
import type { Wire } from "./Wire.ts"

/** Nomad as one process reaches it: every call crosses the wire. */
export const makeSimNomad = (
  world: NomadWorld,
  clients: SimClients,
  wire: Wire,
  process: SimProcess
): Nomad["Type"] => {
  /** Nomad's reads are consistent by default, and so by a leader that may not know yet that it leads no more. */
  const read = <A>(what: string, answer: (state: NomadState) => A) =>
    wire.call<A>(process, {
      system: "nomad",
      what,
      kind: "read",
      older: () => world.older(answer),
      serve: (back) => Either.right(answer(world.seen(back)))
    })

  const write = <A>(what: string, serve: () => Either.Either<A, ApiError>) =>
    wire.call<A>(process, { system: "nomad", what, kind: "write", serve })

  const onClient = <A>(what: string, allocationId: string, answer: (folderId: string) => Either.Either<A, ApiError>) =>
    wire.call<A>(process, {
      system: "nomad",
      what,
      kind: "read",
      serve: () => {
        const row = Option.getOrUndefined(HashMap.get(world.state.allocations, allocationId))
        if (row === undefined) return refuse(NotFound, what, `Unknown allocation "${allocationId}"`)
        if (clients.isAway(row.NodeID)) return refuse(Unavailable, what, "No path to node")
        return answer(row.ID)
      }
    })

  return Nomad.of({
    register: (job, options) => registerJob(world, wire, process, job, options),
    validate: () => notModelled("validate"),
    job: (id) => read(`job ${id}`, (state) => Option.map(HashMap.get(state.jobs, id), jobOf)),
    jobs: (prefix) =>
      read(`jobs ${prefix}`, (state) => ({
        index: state.tableIndex.jobs,
        value: [...HashMap.values(state.jobs)]
          .filter(({ ID }) => ID.startsWith(prefix))
          .toSorted((a, b) => (a.ID < b.ID ? -1 : 1))
          .map((row) => decodeStub(jobStub(state, row, true)))
      })),
    stop: (id, options) =>
      write(`stop ${id}`, () => {
        world.execute({ _tag: "Deregister", jobId: id, purge: options?.purge === true })
        return Either.right(undefined)
      }),
    allocations: (jobId) =>
      read(`allocations ${jobId}`, (state) => {
        const present = Option.getOrUndefined(HashMap.get(state.jobs, jobId))
        return allocationsOfJob(state, jobId)
          .filter((row) => present === undefined || row.Job.CreateIndex === present.CreateIndex)
          .map(allocationOf)
      }),
    allocation: (id) =>
      read(`allocation ${id}`, (state) => Option.map(HashMap.get(state.allocations, id), allocationOf)),
    evaluations: (jobId) => read(`evaluations ${jobId}`, (state) => evaluationsOfJob(state, jobId).map(evaluationOf)),
    readFile: (id, path) =>
      onClient(`file ${id} ${path}`, id, (folder) =>
        Either.right(
          Option.map(Option.fromNullable(clients.folders.get(folder)?.files[path]), (text) =>
            new TextEncoder().encode(text)
          )
        )
      ),
    logs: (id, _task, stream) =>
      onClient(`logs ${id} ${stream}`, id, (folder) => {
        const found = clients.folders.get(folder)
        if (found !== undefined) return Either.right(new TextEncoder().encode(stream === "stdout" ? found.stdout : ""))
        return refuse(NotFound, `logs ${id}`, "failed to list entries: no such file or directory")
      }),
    followLogs: () => Stream.fromEffect(notModelled("followLogs")),
    events: (topics) => nomadEvents(world, wire, process, topics),
    nodes: () => notModelled("nodes"),
    regions: () => notModelled("regions"),
    leader: () => notModelled("leader"),
    systemGc: () => notModelled("systemGc"),
    agentSelf: () => notModelled("agentSelf")
  })
}

const notModelled = (operation: string): Effect.Effect<never> =>
  Effect.die(new Error(`nomad ${operation} is not part of the simulation`))

const refuse = (Kind: typeof NotFound | typeof Unavailable, operation: string, detail: string) =>
  Either.left(new Kind({ system: "nomad", operation, detail }))

/** The real decoders read what the embedded Nomad would have sent; each row once. */
const decodedOnce = <Row extends object, A>(decode: (row: Row) => A): ((row: Row) => A) => {
  const known = new WeakMap<Row, A>()
  return (row) => {
    const found = known.get(row)
    if (found !== undefined) return found
    const made = decode(row)
    known.set(row, made)
    return made
  }
}

const decodeJob = Schema.decodeUnknownSync(Job)
const decodeStub = Schema.decodeUnknownSync(JobStub)
const decodeAllocation = Schema.decodeUnknownSync(Allocation)
const decodeEvaluation = Schema.decodeUnknownSync(Evaluation)

const jobOf = decodedOnce((row: StoredJob) => decodeJob(row))
const allocationOf = decodedOnce((row: StoredAllocation) => decodeAllocation(allocationStub(row, false)))
const evaluationOf = decodedOnce((row: StoredEvaluation) => decodeEvaluation(row))
