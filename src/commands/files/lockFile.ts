import { FileSystem } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Clock, Data, Duration, Effect, Option, Schedule, type Scope } from "effect"
import { unusedName, writeNew } from "./writeAtomically.ts"

/** Another process kept the lock for longer than anybody should wait. */
export class LockBusy extends Data.TaggedError("LockBusy")<{ readonly path: string }> {
  override get message() {
    return `another jobforge has held ${this.path} for ${Duration.format(patience)}; if none runs, remove ${this.path} and ${guardOf(this.path)}`
  }
}

export interface FileLock {
  /** False when another took the lock over, since this process stood still for so long that it looked dead. */
  readonly held: Effect.Effect<boolean>
}

/**
 * Holds a lock file until the scope ends.
 *
 * Its file is created only where there is none, and its time moves on for as long as its holder lives. Whoever waits
 * and sees it stand still takes it over: nobody has to tidy up after a crash. No clock of another machine is believed.
 */
export const lockFile = Effect.fnUntraced(function* (
  path: string,
  /** Run once when somebody else has it for longer than it takes to change a file. */
  onWait: Effect.Effect<void> = Effect.void
): Effect.fn.Return<FileLock, LockBusy | PlatformError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const token = yield* unusedName
  const held = Effect.orElseSucceed(
    Effect.map(fs.readFileString(path), (text) => text === token),
    () => false
  )
  // A lock that can't be removed is taken over like that of a dead process.
  const release = Effect.ignore(Effect.whenEffect(fs.remove(path), held))
  yield* Effect.acquireReleaseInterruptible(acquire(path, token, onWait), () => release)
  const beat = Effect.flatMap(Clock.currentTimeMillis, (now) => fs.utimes(path, now / 1000, now / 1000))
  // A beat that fails is a sign of life that others miss: `held` tells what came of it.
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(beat), Schedule.spaced(heartbeat)))
  return { held }
})

const heartbeat = Duration.seconds(1)

/** Five beats missed. */
const staleAfter = Duration.seconds(5)

/** Longer than a submission takes with all its tries, for which a lock may be held. */
const patience = Duration.minutes(3)

const noticeable = Duration.seconds(2)

const pause = Duration.millis(50)

const acquire = Effect.fnUntraced(function* (path: string, token: string, onWait: Effect.Effect<void>) {
  const begun = yield* Clock.currentTimeMillis
  let told = false
  let seen = { sign: "", since: begun }
  while (!(yield* created(path, token))) {
    const now = yield* Clock.currentTimeMillis
    if (now - begun >= Duration.toMillis(patience)) return yield* new LockBusy({ path })
    if (!told && now - begun >= Duration.toMillis(noticeable)) {
      told = true
      yield* onWait
    }
    const sign = yield* signOf(path)
    if (sign !== seen.sign) seen = { sign, since: now }
    else if (now - seen.since >= Duration.toMillis(staleAfter)) yield* takeOver(path, sign)
    yield* Effect.sleep(pause)
  }
})

/** False: there is one already. */
const created = (path: string, text: string): Effect.Effect<boolean, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const exit = yield* Effect.either(writeNew(path, text))
    if (exit._tag === "Right") return true
    if (exit.left._tag === "SystemError" && exit.left.reason === "AlreadyExists") return false
    // On a full disk the file may be there without its text, and would be nobody's.
    if (exit.left._tag === "SystemError" && exit.left.method !== "open") yield* Effect.ignore(fs.remove(path))
    return yield* exit.left
  }).pipe(Effect.uninterruptible)

/** Differs with every holder and every sign of life of one. Empty: there is none. */
const signOf = Effect.fnUntraced(
  function* (path: string) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(path)
    const { mtime } = yield* fs.stat(path)
    return `${text} ${Option.match(mtime, { onNone: () => "", onSome: (time) => time.getTime() })}`
  },
  Effect.orElseSucceed(() => "")
)

/**
 * Removes the lock of a process that is gone, so that it can be created again. Only one may do so at a time: a second
 * one could remove what the first has created since.
 */
const takeOver = (path: string, sign: string): Effect.Effect<void, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    if (!(yield* created(guardOf(path), ""))) return
    const unchanged = Effect.map(signOf(path), (now) => now === sign)
    yield* Effect.ensuring(
      Effect.whenEffect(fs.remove(path, { force: true }), unchanged),
      Effect.ignore(fs.remove(guardOf(path)))
    )
  }).pipe(Effect.uninterruptible)

const guardOf = (path: string): string => `${path}.takeover`
