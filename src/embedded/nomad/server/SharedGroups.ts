import type { Change } from "../machine/Draft.ts"
import { isObject } from "../machine/GoJson.ts"
import type { StoredJob } from "../machine/NomadState.ts"
import type { StoredStep } from "./storedRows.ts"

/** A step as a line of the journal, and what to call once it is written. */
export interface EncodedStep {
  readonly line: string
  readonly written: () => void
}

/**
 * The task groups that one journal's file holds: most of a job's text, the same in each of its versions and allocations,
 * and as long as scripts are. The first row that has them brings them along; the others name them by number.
 */
export class SharedGroups {
  private readonly numbers = new WeakMap<object, number>()
  private next = 0

  /** Of a row that was written twice only what it is in the end. */
  encode({ changes, index, tables }: StoredStep): EncodedStep {
    const fresh = new Map<object, number>()
    const short = (job: StoredJob) => {
      const { TaskGroups } = job
      if (TaskGroups === undefined || TaskGroups === null) return job
      const number = this.numbers.get(TaskGroups) ?? fresh.get(TaskGroups) ?? this.next + fresh.size
      if (!this.numbers.has(TaskGroups)) fresh.set(TaskGroups, number)
      return { ...job, TaskGroups: number }
    }
    const last = new Map(changes.map((change) => [`${change.table} ${change.key}`, change]))
    const rows = changes.filter((change) => last.get(`${change.table} ${change.key}`) === change)
    const shortened = rows.map((change) => shortRow(change, short))
    const groups = [...fresh].map(([value, number]) => [number, value])
    return {
      line: JSON.stringify({ index, tables, ...(groups.length > 0 ? { groups } : {}), changes: shortened }),
      written: () => {
        for (const [value, number] of fresh) this.numbers.set(value, number)
        this.next += fresh.size
      }
    }
  }

  /** What puts the groups back in their places; throws what is wrong. It takes the file's lines in their order. */
  reader(): (line: unknown) => unknown {
    const known = new Map<number, object>()
    return (line) => {
      if (!isObject(line) || !Array.isArray(line["changes"])) return line
      for (const pair of Array.isArray(line["groups"]) ? line["groups"] : []) this.learn(known, pair)
      return { ...line, changes: line["changes"].map((change: unknown) => wholeRow(known, change)) }
    }
  }

  private learn(known: Map<number, object>, pair: unknown): void {
    const [number, value]: ReadonlyArray<unknown> = Array.isArray(pair) ? pair : []
    if (typeof number !== "number" || !Array.isArray(value)) throw new Error("task groups cannot be understood")
    known.set(number, value)
    this.numbers.set(value, number)
    this.next = Math.max(this.next, number + 1)
  }
}

const wholeRow = (known: ReadonlyMap<number, object>, change: unknown): unknown => {
  if (!isObject(change)) return change
  const { table, value } = change
  if (table === "job") return { ...change, value: wholeJob(known, value) }
  if (table === "versions" && Array.isArray(value))
    return { ...change, value: value.map((job: unknown) => wholeJob(known, job)) }
  return table === "allocation" && isObject(value)
    ? { ...change, value: { ...value, Job: wholeJob(known, value["Job"]) } }
    : change
}

const wholeJob = (known: ReadonlyMap<number, object>, job: unknown): unknown => {
  if (!isObject(job) || typeof job["TaskGroups"] !== "number") return job
  const TaskGroups = known.get(job["TaskGroups"])
  if (TaskGroups === undefined) throw new Error(`task groups ${job["TaskGroups"]} are missing`)
  return { ...job, TaskGroups }
}

const shortRow = (change: Change, short: (job: StoredJob) => object): object => {
  if (change.value === null) return change
  switch (change.table) {
    case "job":
      return { ...change, value: short(change.value) }
    case "versions":
      return { ...change, value: change.value.map(short) }
    case "allocation":
      return { ...change, value: { ...change.value, Job: short(change.value.Job) } }
    case "evaluation":
    case "node":
      return change
  }
}
