import { Cache, Context, Data, Duration, Effect, Exit, Layer, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { Status } from "../domain/Status.ts"
import { makeRedactor, type Redactor } from "../redaction/Redactor.ts"
import { Vault } from "../vault/Vault.ts"
import { readConfidential } from "./confidentialSecrets.ts"
import type { Keys } from "./keys.ts"
import { LiveSettings } from "./LiveSettings.ts"
import { makeSecretBook, type SecretBook } from "./SecretBook.ts"
import { secretSources, type SecretSource } from "./secretSources.ts"

/** What a job's output goes through before anybody else sees it. */
export interface JobRedactor extends Redactor {
  /** What Vault would not say, by the secrets' paths: their values can't be looked for. */
  readonly unread: ReadonlyArray<string>
}

export type RedactedRun = Pick<Status, "name" | "job_id" | "config">

/**
 * Secrets never leave: what a job writes, what Nomad says about it, and what is told to others about it, goes through here
 * before it is stored or sent.
 *
 * A Vault that can't be asked holds nobody up for more than a few seconds, and doesn't keep a log from being archived: a
 * build that fails without a word helps nobody, and of the secrets that a job names only the test's ever reach what a user
 * wrote. Then the last values that were read serve, or else the shapes of credentials alone, and `unread` says so: the
 * status of the job tells it.
 */
export class Redaction extends Context.Tag("jobforge/store/Redaction")<
  Redaction,
  {
    /** Of the service's own secrets, and of whatever looks like a credential: for what belongs to no job. */
    readonly own: Redactor
    /** Of what the run's steps, its record and the receivers of its webhooks know, too. Answers within a few seconds. */
    readonly of: (run: RedactedRun) => Effect.Effect<JobRedactor>
  }
>() {
  /** `secrets`: what the service itself was given in confidence. */
  static readonly layer = (
    keys: Keys,
    secrets: ReadonlyArray<string>
  ): Layer.Layer<Redaction, never, Consul | LiveSettings | Vault> => Layer.effect(Redaction, make(keys, secrets))
}

/** As long as nobody would notice that a secret was changed; a test's output comes within seconds of its start. */
const fresh = Duration.seconds(30)
/** A Vault that is away is asked again after this time, whatever number of logs wait. */
const failed = Duration.seconds(10)

const mostRedactors = 32

/** Equal for runs that know the same secrets. */
class Sources extends Data.Class<{
  readonly vault: ReadonlyArray<SecretSource>
  readonly confidential: ReadonlyArray<string>
}> {}

const make = Effect.fnUntraced(function* (keys: Keys, secrets: ReadonlyArray<string>) {
  const consul = yield* Consul
  const vault = yield* Vault
  const settings = yield* LiveSettings
  const own = makeRedactor(secrets)
  const book = yield* makeSecretBook(vault)
  const compiled = yield* Cache.makeWith({
    capacity: mostRedactors,
    lookup: (sources: Sources) => compile(secrets, consul, keys, book, sources),
    timeToLive: Exit.match({ onFailure: () => failed, onSuccess: ({ unread }) => (unread.length > 0 ? failed : fresh) })
  })

  const of = Effect.fnUntraced(function* ({ config, job_id: jobId, name }: RedactedRun) {
    if (config === undefined) return { ...own, unread: [] }
    const { spec } = yield* settings.current
    const sources = secretSources(config, spec.temporaryRegistryCredentialsPath)
    // A run of a record in KV has its own; one that came over HTTP has its record's.
    const confidential = config.webhook_url === undefined ? [] : [...new Set([jobId ?? name, name])]
    if (sources.length + confidential.length === 0) return { ...own, unread: [] }
    return yield* compiled.get(
      new Sources({
        vault: Data.array(sources.map((source) => Data.struct(source))),
        confidential: Data.array(confidential)
      })
    )
  })

  return Redaction.of({ own, of })
})

const compile = Effect.fnUntraced(function* (
  secrets: ReadonlyArray<string>,
  consul: Consul["Type"],
  keys: Keys,
  book: SecretBook,
  { confidential, vault }: Sources
): Effect.fn.Return<JobRedactor> {
  const told = yield* Effect.forEach(confidential, (id) => readConfidential(consul, keys, id))
  const references = told.flatMap(({ references }) => references)
  const [rendered, named] = yield* Effect.all(
    [
      Effect.forEach(vault, (source) => book.read(source), { concurrency: 8 }),
      Effect.forEach(references, (source) => book.read(source), { concurrency: 8 })
    ],
    { concurrency: 2 }
  )
  const read = [...rendered, ...named]
  const values = read.flatMap((found) => Option.getOrElse(found.values, () => []))
  return {
    ...makeRedactor([...secrets, ...told.flatMap(({ values }) => values), ...values]),
    unread: [...new Set(read.filter(({ values }) => Option.isNone(values)).map(({ path }) => path))]
  }
})
