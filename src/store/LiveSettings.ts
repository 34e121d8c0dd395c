import { Context, Effect, Layer, Ref, Stream } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { Keys } from "./keys.ts"
import { readSettings, type SettingFault, type Settings, type Texts } from "./Settings.ts"

/** The settings in force: those under `config/` are followed while the service runs. */
export class LiveSettings extends Context.Tag("jobforge/store/LiveSettings")<
  LiveSettings,
  { readonly current: Effect.Effect<Settings> }
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
  const settings = yield* Ref.make(initial.settings)
  const reported = yield* Ref.make("")

  yield* consul.watchList(keys.config).pipe(
    Stream.runForEach(({ value }) => {
      const read = readSettings(
        environment,
        Object.fromEntries(
          value
            .filter(({ key }) => !key.endsWith("/"))
            .map((entry) => [entry.key.slice(keys.config.length), new TextDecoder().decode(entry.value)])
        )
      )
      const faults = read.faults.map(({ source, message }) => `${source} ${message}`).join("\n")
      return Effect.gen(function* () {
        yield* Ref.set(settings, read.settings)
        yield* Effect.sync(() => onChange(read.settings))
        // Once for each fault, not for each change of something else.
        if ((yield* Ref.getAndSet(reported, faults)) !== faults) yield* report(read.faults)
      })
    }),
    Effect.forkScoped
  )
  return LiveSettings.of({ current: Ref.get(settings) })
})

const report = (faults: ReadonlyArray<SettingFault>) =>
  Effect.forEach(
    faults,
    ({ source, message }) => Effect.logWarning("setting ignored").pipe(Effect.annotateLogs({ source, message })),
    { discard: true }
  )
