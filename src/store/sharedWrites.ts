import { Cause, Effect, Exit, Option, type Scope } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import type { Consul } from "../consul/Consul.ts"
import { maxTransactionBytes, maxTransactionOps, transactionSize, TxnOp, TxnResult } from "../consul/Transaction.ts"
import { type ApiError, Unavailable } from "../http/ApiError.ts"
import { makeGathering } from "./gathering.ts"

export interface SharedWrites {
  /**
   * Writes a key that isn't there, and answers once it is in the store; false: it was there before, and is as it was. Of
   * a failed one nothing is known where Consul was out of reach; whatever else it failed by, nothing was written.
   */
  readonly create: (key: string, value: string) => Effect.Effect<boolean, ApiError>
  /** As `create`, with this process's own token and without a fiber. Answers with what takes it back if it hasn't begun. */
  readonly tell: (key: string, value: string, done: Done) => () => void
}

/** Run once, by a fiber that has others to tell as well: it must not take long. */
export type Done = (written: Exit.Exit<boolean, ApiError>) => Effect.Effect<void>

interface Writing {
  readonly key: string
  readonly value: string
  readonly done: Done
  /** Whoever asked has gone before it was begun. */
  isAbandoned: boolean
}

/**
 * Writings of new keys for many that write at the same time: what is asked for while others are on their way goes together
 * in the next transaction. One at a time goes at once and alone. Nobody suffers from what another one wrote: where Consul
 * refuses them together, each is written by itself.
 */
export const makeSharedWrites = Effect.fnUntraced(function* (
  consul: Consul["Type"]
): Effect.fn.Return<SharedWrites, never, Scope.Scope> {
  let asked: Array<Writing> = []

  /** Whatever one of them makes of it, the others hear of theirs. */
  const tellOne = ({ done }: Writing, written: Exit.Exit<boolean, ApiError>) =>
    Effect.catchAllCause(
      Effect.suspend(() => done(written)),
      (cause) => Effect.logError("bug in what follows a write", cause)
    )

  const writeAlone = (writing: Writing) =>
    Effect.flatMap(Effect.exit(consul.putCas(writing.key, writing.value, 0)), (written) => tellOne(writing, written))

  const writeTogether = Effect.fnUntraced(function* (writings: ReadonlyArray<Writing>) {
    const written = yield* Effect.exit(consul.transaction(writings.map(creation)))
    const tellAll = (outcome: (writing: Writing) => Exit.Exit<boolean, ApiError>) =>
      Effect.forEach(writings, (writing) => tellOne(writing, outcome(writing)), { discard: true })
    if (Exit.isSuccess(written) && TxnResult.$is("Committed")(written.value)) {
      return yield* tellAll(() => Exit.succeed(true))
    }
    const error = Exit.isFailure(written) ? Option.getOrUndefined(Cause.failureOption(written.cause)) : undefined
    if (error?._tag === "Unavailable") {
      const { detail, system } = error
      // Each is told of its own key alone.
      return yield* tellAll(({ key }) => Exit.fail(new Unavailable({ system, operation: `kv.put ${key}`, detail })))
    }
    yield* Effect.forEach(writings, writeAlone, { concurrency: writesAtOnce, discard: true })
  })

  const write = Effect.gen(function* () {
    const taken = asked.filter(({ isAbandoned }) => !isAbandoned)
    asked = []
    yield* Effect.forEach(
      partsOf(taken),
      (part) => {
        const [only, ...more] = part
        return only !== undefined && more.length === 0 ? writeAlone(only) : writeTogether(part)
      },
      { discard: true }
    )
    return taken.length
  })
  const { wake } = yield* makeGathering(write)

  const tell: SharedWrites["tell"] = (key, value, done) => {
    const writing: Writing = { key, value, done, isAbandoned: false }
    asked.push(writing)
    wake()
    return () => {
      writing.isAbandoned = true
    }
  }

  return {
    tell,
    create: (key, value) =>
      Effect.flatMap(ActingToken, (acting) =>
        // Whether this caller may write it, Consul decides.
        Option.isSome(acting)
          ? consul.putCas(key, value, 0)
          : Effect.async<boolean, ApiError>((resume) =>
              Effect.sync(tell(key, value, (written) => Effect.sync(() => resume(written))))
            )
      )
  }
})

/** As many to a part as one transaction may have of operations and bytes. */
const partsOf = (writings: ReadonlyArray<Writing>): ReadonlyArray<ReadonlyArray<Writing>> => {
  const parts: Array<Array<Writing>> = []
  let left = 0
  for (const writing of writings) {
    // Each by itself has more around it than it has beside others.
    const size = transactionSize([creation(writing)])
    left -= size
    const last = parts.at(-1)
    if (last !== undefined && left >= 0 && last.length < maxTransactionOps) last.push(writing)
    else {
      parts.push([writing])
      left = maxTransactionBytes - size
    }
  }
  return parts
}

const creation = ({ key, value }: Writing): TxnOp => TxnOp.Cas({ key, value, index: 0 })

/** Keys that are written at the same time where they could not be written together. */
const writesAtOnce = 16
