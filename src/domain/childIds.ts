import { createHash } from "node:crypto"
import type { TestRef } from "./Status.ts"

/**
 * The id of a run: a UUIDv5 (RFC 9562, section 5.5) of installation, record name and generation, so that whoever
 * looks at the same record names its children alike. The first run of a record whose name is a UUID already, as
 * records that come over HTTP are, takes the name itself.
 */
export const jobIdOf = (installation: string, name: string, generation: number): string =>
  generation === 1 && isUuid(name) ? name : uuidV5(`${installation}\n${name}\n${generation}`)

/** As the names of records that come over HTTP are. */
export const isUuid = (name: string): boolean => uuidPattern.test(name)

export const buildId = (jobId: string, attempt: number): string => `build-${jobId}-${attempt}`

export const testId = (jobId: string, test: TestRef, attempt: number): string =>
  test.kind === "command" ? `test-cmd-${jobId}-${test.index}-${attempt}` : `test-entry-${jobId}-${attempt}`

export const publishId = (jobId: string, attempt: number): string => `publish-${jobId}-${attempt}`

export const cleanupId = (jobId: string, attempt: number): string => `cleanup-${jobId}-${attempt}`

/** Stays the same however often it is told: whoever receives it twice can see that. */
export const deliveryId = (jobId: string, event: string): string => uuidV5(`${jobId}\n${event}`)

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A namespace of our own (a random UUID, fixed for ever): changing it would rename every child. */
const namespace = Buffer.from("6f3b0f9ce0a14b0d9a5d3d5b7c1e8f42", "hex")

const uuidV5 = (text: string): string => {
  const digest = createHash("sha1").update(namespace).update(text).digest().subarray(0, 16)
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = digest.toString("hex")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}
