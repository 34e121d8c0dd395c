import { Either, Option } from "effect"
import { decodeRecord } from "../../../src/domain/decodeRecord.ts"
import { isTerminal, type Status } from "../../../src/domain/Status.ts"
import { valuesUnder } from "../../../src/embedded/consul/SortedMap.ts"
import { recordName } from "../../../src/store/keys.ts"
import { keys } from "../Replica.ts"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"
import type { StatusBook } from "./StatusBook.ts"

/** At rest every record has a status that is about its present content, and every status is over. */
export const recordsAreAnswered = (world: World, book: StatusBook, report: (violation: string) => void): Oracle => ({
  atRest: () => {
    for (const fault of unanswered(world, book)) report(fault)
  }
})

/** What is still to be done, one line a record or attempt. */
export const unanswered = (world: World, book: StatusBook): ReadonlyArray<string> => [
  ...valuesUnder(world.consul.state.kv, keys.jobs).flatMap(({ key, value }) => {
    const name = Option.getOrElse(recordName(keys.jobs, key), () => key)
    const status = book.of(name)
    const fault = status === undefined ? "has no status" : faultOf(Buffer.from(value, "base64").toString(), status)
    return fault === undefined ? [] : [`${name} ${fault}`]
  }),
  ...book.all.flatMap(({ name, status, attempts, hash }) => [
    ...(hash === "" || isThere(world, name) ? [] : [`${name} was deleted, and its status doesn't know`]),
    ...(isTerminal(status) ? [] : [`${name} is still ${status}`]),
    ...attempts.flatMap(({ nomad_job_id: id, outcome }) => (outcome === undefined ? [`${id} has no outcome`] : []))
  ])
]

const isThere = (world: World, name: string): boolean =>
  valuesUnder(world.consul.state.kv, keys.jobs + name).some(({ key }) =>
    Option.contains(recordName(keys.jobs, key), name)
  )

const faultOf = (text: string, { hash, errors = [] }: Status): string | undefined =>
  Either.match(decodeRecord(text), {
    onLeft: () => (errors.length === 0 ? "can't be read, and its status doesn't say so" : undefined),
    onRight: (desired) => {
      if (errors.length > 0) return "is valid, and its status says that it isn't"
      return hash === desired.hash ? undefined : "has a status about other content"
    }
  })
