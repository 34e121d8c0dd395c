import { Cause, Effect, Exit, Option, Stream } from "effect"
import { CallAborted, CallTimeout, type JobForgeError } from "./ClientErrors.ts"
import { errorOf } from "./errorOf.ts"

/** Runs a call as a promise that rejects with one of the client's errors. An infinite timeout is none. */
export const runCall = async <A, E>(
  call: Effect.Effect<A, E>,
  timeout: number,
  signal: AbortSignal | undefined
): Promise<A> => {
  const limited = Number.isFinite(timeout)
    ? Effect.timeoutFail(call, { duration: timeout, onTimeout: () => new CallTimeout({ millis: timeout }) })
    : call
  const exit = await Effect.runPromiseExit(limited, signal === undefined ? {} : { signal })
  return Exit.isSuccess(exit) ? exit.value : await Promise.reject(failureOf(exit.cause, signal))
}

/** The same for a stream: leaving the loop ends it, and so does the signal. */
export const iterate = <A>(
  stream: Stream.Stream<A, JobForgeError>,
  signal: AbortSignal | undefined
): AsyncIterable<A> =>
  Stream.toAsyncIterable(
    stream.pipe(signal === undefined ? (same) => same : Stream.interruptWhen(aborted(signal)), Stream.mapError(errorOf))
  )

const failureOf = (cause: Cause.Cause<unknown>, signal: AbortSignal | undefined): JobForgeError => {
  if (signal?.aborted === true) return new CallAborted({ cause: signal.reason })
  return errorOf(Option.getOrElse(Cause.failureOption(cause), () => Cause.squash(cause)))
}

const aborted = (signal: AbortSignal): Effect.Effect<never, CallAborted> =>
  Effect.async((resume) => {
    const abort = () => resume(Effect.fail(new CallAborted({ cause: signal.reason })))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })
