import { Duration, Effect, Either, Option } from "effect"
import { makeAcl } from "../../src/consul/Acl.ts"
import { makeAgent } from "../../src/consul/Agent.ts"
import { makeCatalog } from "../../src/consul/Catalog.ts"
import { Consul } from "../../src/consul/Consul.ts"
import type { ReadOptions } from "../../src/consul/ReadOptions.ts"
import { maxValueBytes } from "../../src/consul/Kv.ts"
import type { SessionInfo, SessionOptions } from "../../src/consul/Session.ts"
import type { TxnResult } from "../../src/consul/Transaction.ts"
import { toBase64 } from "../../src/consul/Value.ts"
import type { ConsulCommand, ConsulReply } from "../../src/embedded/consul/ConsulCommand.ts"
import type { ConsulState, Session } from "../../src/embedded/consul/ConsulState.ts"
import { valuesUnder } from "../../src/embedded/consul/SortedMap.ts"
import { formatGoDuration } from "../../src/embedded/http/goDuration.ts"
import { type ApiError, Conflict, Invalid, NotFound, Unavailable } from "../../src/http/ApiError.ts"
import { type ConsulWorld, node } from "./ConsulWorld.ts"
import { makeConsulWatches } from "./consulWatches.ts"
import { encodeTransaction, transactionFault, transactionResult } from "./consulTransaction.ts"
import { keysReading, keyReading, listReading, type Reading } from "./consulReadings.ts"
import type { SimProcess } from "./SimProcess.ts"
import type { Wire } from "./Wire.ts"

/** Consul as one process reaches it: every call crosses the wire. */
export const makeSimConsul = (
  world: ConsulWorld,
  wire: Wire,
  process: SimProcess,
  freshId: () => string
): Consul["Type"] => {
  /** A default read can be answered by a server that doesn't know yet that it leads no more; a consistent one can't. */
  const read = <A>(reading: Reading<A>, options?: ReadOptions): Effect.Effect<A, ApiError> =>
    wire.call(process, {
      system: "consul",
      what: reading.what,
      kind: "read",
      older: () => (options?.consistent === true ? [] : world.older(reading.fingerprint)),
      serve: (back) => Either.right(reading.answer(options?.consistent === true ? world.state : world.seen(back)))
    })

  const execute = <A>(
    what: string,
    command: ConsulCommand,
    answer: (reply: ConsulReply) => Either.Either<A, ApiError>
  ): Effect.Effect<A, ApiError> =>
    wire.call(process, { system: "consul", what, kind: "write", serve: () => answer(world.execute(command)) })

  const write = (what: string, command: ConsulCommand) => execute(what, command, accepted(what))

  const put = (what: string, key: string, value: string | Uint8Array, extra: { readonly cas?: number }) =>
    Buffer.byteLength(value) > maxValueBytes
      ? Effect.fail(new Invalid({ system: "consul", operation: what, detail: `more than ${maxValueBytes} bytes` }))
      : write(what, { _tag: "KvPut", key, value: toBase64(value), flags: "0", ...extra })

  return Consul.of({
    get: (key, options) => read(keyReading(key), options),
    list: (prefix, options) => read(listReading(prefix), options),
    keys: (prefix, separator) => read(keysReading(prefix, separator)),
    put: (key, value) => Effect.asVoid(put(`put ${key}`, key, value, {})),
    putCas: (key, value, cas) => put(`put ${key} cas`, key, value, { cas }),
    delete: (key) => Effect.asVoid(write(`delete ${key}`, { _tag: "KvDelete", key })),
    deleteTree: (prefix) => Effect.asVoid(write(`delete ${prefix}*`, { _tag: "KvDeleteTree", prefix })),
    deleteCas: (key, cas) => write(`delete ${key} cas`, { _tag: "KvDelete", key, cas }),
    acquire: (key, value, session) =>
      write(`acquire ${key}`, { _tag: "KvAcquire", key, value: toBase64(value), flags: "0", session }),
    release: (key, session, value = "") =>
      write(`release ${key}`, { _tag: "KvRelease", key, value: toBase64(value), flags: "0", session }),
    transaction: (ops) => {
      const what = `txn ${ops.map((op) => `${op._tag} ${op.key}`).join(", ")}`
      const fault = transactionFault(ops)
      if (fault !== undefined) return Effect.fail(new Invalid({ system: "consul", operation: what, detail: fault }))
      return execute<TxnResult>(what, { _tag: "Txn", ops: ops.map(encodeTransaction) }, (reply) =>
        Either.right(transactionResult(ops, reply))
      )
    },
    ...makeConsulWatches(world, wire, process),
    createSession: (options) => {
      const id = freshId()
      return Effect.as(write("session.create", { _tag: "SessionCreate", session: sessionSpec(id, options) }), id)
    },
    renewSession: (id) =>
      execute("session.renew", { _tag: "SessionRenew", id }, (reply) =>
        reply._tag === "SessionFound"
          ? Either.right(sessionInfo(reply.session))
          : Either.left(new NotFound({ system: "consul", operation: "session.renew", detail: "" }))
      ),
    destroySession: (id) => Effect.asVoid(write("session.destroy", { _tag: "SessionDestroy", id })),
    sessionInfo: (id) => read(sessionReading(id), { consistent: true }),
    ...makeAcl(notModelled),
    ...makeAgent(notModelled),
    ...makeCatalog(notModelled)
  })
}

const notModelled = ({ operation }: { readonly operation: string }) =>
  Effect.die(new Error(`${operation} is not part of the simulation`))

const accepted =
  (operation: string) =>
  (reply: ConsulReply): Either.Either<boolean, ApiError> => {
    if (reply._tag === "Done") return Either.right(reply.ok)
    const detail = reply._tag === "Refused" ? reply.why : reply._tag
    return Either.left(
      detail.startsWith("invalid session")
        ? new Conflict({ system: "consul", operation, detail })
        : new Unavailable({ system: "consul", operation, detail })
    )
  }

const sessionReading = (id: string): Reading<Option.Option<SessionInfo>> => {
  const answer = (state: ConsulState) =>
    Option.fromNullable([...sessionsOf(state)].find((session) => session.id === id)).pipe(Option.map(sessionInfo))
  return { what: "session.info", index: ({ index }) => index, answer, fingerprint: answer }
}

const sessionsOf = (state: ConsulState): ReadonlyArray<Session> => valuesUnder(state.sessions)

const sessionSpec = (id: string, { name, ttl, lockDelay, behavior, checks }: SessionOptions) => {
  const ttlMs = ttl === undefined ? 0 : Duration.toMillis(ttl)
  return {
    id,
    name,
    node: node.name,
    lockDelayMs: Duration.toMillis(lockDelay),
    behavior,
    ttl: ttl === undefined ? "" : formatGoDuration(ttlMs),
    ttlMs,
    nodeChecks: checks?.node ?? [],
    serviceChecks: checks?.service ?? null,
    olderChecks: []
  }
}

const sessionInfo = (session: Session): SessionInfo => ({
  id: session.id,
  name: session.name,
  node: session.node,
  lockDelay: Duration.millis(session.lockDelayMs),
  behavior: session.behavior,
  nodeChecks: session.nodeChecks,
  serviceChecks: session.serviceChecks ?? [],
  createIndex: session.createIndex,
  modifyIndex: session.modifyIndex,
  ...(session.ttl === "" ? {} : { ttl: session.ttl })
})
