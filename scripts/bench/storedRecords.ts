import { randomUUID } from "node:crypto"
import { TxnOp } from "../../src/consul/Transaction.ts"
import type { Status } from "../../src/domain/Status.ts"
import type { Keys } from "../../src/store/keys.ts"
import { statusValue } from "../../src/store/statusValue.ts"

/**
 * Transactions that store copies of an ended job under these names: records that ended long ago, in the very shape that
 * the service gives to them. `record` is the text that the job was made of.
 */
export const storedRecords = (
  keys: Keys,
  ended: Status,
  record: string,
  names: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<TxnOp>> => {
  const text = statusValue.encode(ended)
  const { job_id: id = "" } = ended
  const name = JSON.stringify(ended.name)
  const operations = names.flatMap((copy) => [
    TxnOp.Set({ key: `${keys.jobs}${copy}`, value: record }),
    TxnOp.Set({
      key: keys.status(copy),
      value: text.replaceAll(id, randomUUID()).replace(`"name":${name}`, `"name":${JSON.stringify(copy)}`)
    })
  ])
  return Array.from({ length: Math.ceil(operations.length / 64) }, (_, at) => operations.slice(64 * at, 64 * (at + 1)))
}
