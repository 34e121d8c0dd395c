import { Context, Effect, Layer, Option, Ref, Stream } from "effect"
import { Consul, type KvEntry } from "../consul/Consul.ts"
import type { Keys } from "./keys.ts"
import { readSettings, type SettingFault, type Settings, type Texts } from "./Settings.ts"

/** The settings in force: those under `config/` are followed while the service runs. */
export class LiveSettings extends Context.Tag("jobforge/store/LiveSettings")<
  LiveSettings,
  {
    readonly current: Effect.Effect<Settings>
    /** The same for what is no effect. */
    readonly now: () => Settings
  }
>() {
  static readonly layer = (
    keys: Keys,
    environment: Texts,
    onChange: (settings: Settings) => void
  ): Layer.Layer<LiveSettings, never, Consul> => Layer.scoped(LiveSettings, make(keys, environment, onChange))
}

const make = Effect.fnUntraced(function* (keys: Keys, environment: Texts, onChange: (settings: Settings) => void) {
  const consul = yield* Consul
  const initial = readSettings(environment, {})
  yield* report(initial.faults)
  let settings = initial.settings
  const reported = yield* Ref.make("")

  const apply = Effect.fnUntraced(function* (kv: Texts) {
    const read = readSettings(environment, kv)
    yield* Effect.sync(() => {
      settings = read.settings
      onChange(settings)
    })
    const faults = read.faults.map(({ source, message }) => `${source} ${message}`).join("\n")
    // Once for each fault, not for each change of something else.
    if ((yield* Ref.getAndSet(reported, faults)) !== faults) yield* report(read.faults)
  })

  yield* consul.watchList(keys.config).pipe(
    Stream.mapAccumEffect(new Map<string, string>(), (known, { value }) =>
      Effect.map(surviving(consul, known, value), (texts) => [texts, texts] as const)
    ),
    // Where nothing is set, each change of anything in the store is an answer.
    Stream.changesWith(haveSameTexts),
    Stream.runForEach((texts) =>
      apply(Object.fromEntries([...texts].map(([key, text]) => [key.slice(keys.config.length), text])))
    ),
    Effect.forkScoped
  )
  return settingsOf(() => settings)
})

export const settingsOf = (now: () => Settings): LiveSettings["Type"] => ({ now, current: Effect.sync(now) })

const haveSameTexts = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([key, text]) => other.get(key) === text)

/**
 * What is listed, and what was there before and can't be shown to be gone: a list also shrinks when a token loses its
 * right, and a limit that somebody set must not fall back to its default for that.
 */
const surviving = Effect.fnUntraced(function* (
  consul: Consul["Type"],
  known: ReadonlyMap<string, string>,
  listed: ReadonlyArray<KvEntry>
) {
  const texts = new Map(
    listed
      .filter(({ key }) => !key.endsWith("/"))
      .map((entry) => [entry.key, new TextDecoder().decode(entry.value)] as const)
  )
  for (const [key, text] of known) {
    if (texts.has(key)) continue
    const gone = yield* Effect.match(consul.get(key, { consistent: true }), {
      onFailure: () => false,
      onSuccess: Option.isNone
    })
    if (!gone) texts.set(key, text)
  }
  return texts
})

const report = (faults: ReadonlyArray<SettingFault>) =>
  Effect.forEach(
    faults,
    ({ source, message }) => Effect.logWarning("setting ignored").pipe(Effect.annotateLogs({ source, message })),
    { discard: true }
  )
