import { Either, HashMap, Option } from "effect"
import { decodeRecord } from "../../../src/domain/decodeRecord.ts"
import { isTerminal, type Status } from "../../../src/domain/Status.ts"
import { getKey, valuesUnder } from "../../../src/embedded/consul/SortedMap.ts"
import { collectionsValue } from "../../../src/store/CollectionsValue.ts"
import { requestValue } from "../../../src/store/requestValue.ts"
import { recordName } from "../../../src/store/keys.ts"
import type { ConsulChange } from "../ConsulWorld.ts"
import { keys } from "../Replica.ts"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"
import { isOver, type StatusBook } from "./StatusBook.ts"

type Kv = ConsulChange["after"]["kv"]

/**
 * What clients ask for is done, once, and nothing of it is left: a request goes in the very transaction that tells what it
 * changed, a kill is the end of the run, a retry one more run and no second one, and what was purged is gone from Nomad.
 */
export const requestsAreAnswered = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => {
  const killed = new Map<string, Status>()
  /** Nomad jobs to be forgotten, with the index that tells one registration from a later one of the same id. */
  const purged = new Map<string, number>()
  const answered = new Set<string>()

  const judge = (id: string, value: string, { after, before, keys: changed }: ConsulChange): void => {
    if (answered.has(id)) report(`request ${id} is answered twice`)
    answered.add(id)
    const request = decoded(value)
    if (request.verb === "collect") {
      const answers = answersIn(after.kv).filter(({ requests }) => requests.includes(id))
      if (answers.length !== 1) report(`the request ${id} to end what nobody owns has ${answers.length} answers`)
      return
    }
    const what = `${request.verb} of ${request.job_id}`
    const name = book.ofRun(request.job_id)?.name ?? ""
    const [old, now] = [before, after].map(({ kv }) => book.read(getKey(kv, keys.status(name))))
    // It was about a run that another one has taken the place of.
    if (old === undefined || now === undefined || old.job_id !== request.job_id) return
    if (!changed.includes(keys.status(name))) report(`${what} is gone, and the status doesn't tell of it`)
    const effect = { kill, retry, purge, cleanup }[request.verb](old, now, before.kv)
    if (effect !== undefined) report(`${what}: ${effect}`)
  }

  const kill = (old: Status, now: Status): string | undefined => {
    if (isTerminal(old.status)) return undefined
    // It was over when the wish was seen, however it ended.
    if (now.job_id !== old.job_id || isTerminal(now.status)) return undefined
    killed.set(now.job_id ?? "", now)
    return now.stopping === undefined ? "the run isn't told to stop" : undefined
  }

  const retry = (old: Status, now: Status, kv: Kv): string | undefined => {
    if (!isTerminal(old.status) || !isBuildable(kv, old.name)) return undefined
    return now.generation === old.generation + 1 || now.hash === "" ? undefined : "no other run is to come"
  }

  const purge = (old: Status): undefined => {
    if (!isTerminal(old.status)) return
    for (const { nomad_job_id: id, outcome } of old.attempts) {
      const job = HashMap.get(world.nomad.state.jobs, id)
      if (outcome !== undefined && Option.isSome(job)) purged.set(id, job.value.CreateIndex)
    }
  }

  const cleanup = (old: Status, now: Status): string | undefined => {
    if (!isTerminal(old.status) || old.temporary_image === undefined || now.job_id !== old.job_id) return undefined
    const cleanups = ({ attempts }: Status) => attempts.filter(({ phase }) => phase === "cleanup")
    const open = cleanups(old).some(({ outcome }) => outcome === undefined)
    return open || cleanups(now).length > cleanups(old).length ? undefined : "no step of cleaning up begins"
  }

  world.consul.observe((change) => {
    for (const key of change.keys) {
      if (key.startsWith(keys.requests)) {
        const gone = getKey(change.after.kv, key) === undefined ? getKey(change.before.kv, key) : undefined
        if (gone !== undefined) judge(key.slice(keys.requests.length), gone.value, change)
      } else if (key.startsWith(keys.statuses)) {
        const [old, now] = [change.before, change.after].map(({ kv }) => book.read(getKey(kv, key)))
        const fault = old === undefined || now === undefined ? undefined : causeless(old, now, retriesIn(change))
        if (fault !== undefined) report(fault)
      }
    }
  })

  return {
    atRest: () => {
      for (const key of openRequests(world)) report(`${key} is never answered`)
      for (const [jobId, asked] of killed) {
        const last = book.ofRun(jobId)
        const fault = last === undefined ? "has no status" : endFault(asked, last, book.of(last.name))
        if (fault !== undefined) report(`${jobId} was killed, and ${fault}`)
      }
      for (const [id, index] of purged) {
        const there = HashMap.get(world.nomad.state.jobs, id)
        if (Option.exists(there, ({ CreateIndex }) => CreateIndex === index)) report(`${id} was purged, and is there`)
      }
      const plan = Option.flatMap(valueOf(world.consul.state.kv, keys.collections), collectionsValue.decode)
      if (Option.exists(plan, (value) => value.plan !== undefined)) report("a plan of a sweep is left behind")
    }
  }
}

/** Keys of what was asked for and is not answered yet. */
export const openRequests = (world: World): ReadonlyArray<string> =>
  valuesUnder(world.consul.state.kv, keys.requests).map(({ key }) => key)

const decoded = (value: string) =>
  Option.getOrThrowWith(requestValue.decode(Buffer.from(value, "base64")), () => new Error(`no request: ${value}`))

const valueOf = (kv: Kv, key: string): Option.Option<Uint8Array> =>
  Option.map(Option.fromNullable(getKey(kv, key)), ({ value }) => Buffer.from(value, "base64"))

const answersIn = (kv: Kv) =>
  Option.match(Option.flatMap(valueOf(kv, keys.collections), collectionsValue.decode), {
    onNone: () => [],
    onSome: ({ answers }) => answers
  })

const isBuildable = (kv: Kv, name: string): boolean =>
  valuesUnder(kv, keys.jobs + name).some(
    ({ key, value }) =>
      Option.contains(recordName(keys.jobs, key), name) &&
      Either.isRight(decodeRecord(Buffer.from(value, "base64").toString()))
  )

const retriesIn = ({ after, before, keys: changed }: ConsulChange): ReadonlyArray<string> =>
  changed.flatMap((key) => {
    const gone =
      key.startsWith(keys.requests) && getKey(after.kv, key) === undefined ? getKey(before.kv, key) : undefined
    const request = gone === undefined ? undefined : decoded(gone.value)
    return request?.verb === "retry" ? [request.job_id] : []
  })

/** A run begins for other content, or because a retry has made the status forget which content it was about. */
const causeless = (old: Status, now: Status, retried: ReadonlyArray<string>): string | undefined => {
  const { generation, name } = now
  if (generation > old.generation + 1) return `${name} skipped from generation ${old.generation} to ${generation}`
  if (generation === old.generation) {
    return old.hash === "" && now.hash !== "" ? `${name} remembers content that no run was made from` : undefined
  }
  const same = old.hash === now.hash && old.hash !== ""
  return same && !retried.includes(old.job_id ?? "") ? `${name} runs once more, and nobody asked for it` : undefined
}

/** What had its last step done when the wish came has won. */
const endFault = (asked: Status, last: Status, present: Status | undefined): string | undefined => {
  if (!isOver(last)) return present?.job_id === last.job_id ? `is ${last.status}` : undefined
  if (last.status === "SUCCEEDED") {
    const { test } = asked.config ?? {}
    const tested = (test?.commands?.length ?? 0) > 0 || test?.entry_point === true
    return asked.phase === (tested ? "publish" : "build") ? undefined : "SUCCEEDED"
  }
  const wanted = asked.stopping?.reason ?? "Cancelled"
  return last.reason === wanted ? undefined : `ended with ${last.reason ?? "no reason"}`
}
