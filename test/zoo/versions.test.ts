import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Predicate, Schema, Struct } from "effect"
import type { Status } from "../../src/domain/Status.ts"
import { requestValue } from "../../src/store/requestValue.ts"
import { eventually } from "../support/eventually.ts"
import { keys, record, setStage } from "./support/Stage.ts"

const Json = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** What a newer version makes of a value below `status/`. */
const renewed = (bytes: Uint8Array, change: object): string =>
  Schema.encodeSync(Json)({ ...Schema.decodeUnknownSync(Json)(new TextDecoder().decode(bytes)), ...change })

describe("an older version that leads", () => {
  it.scopedLive("goes on with a reason that it doesn't know, and leaves a status whose state it doesn't know", () =>
    Effect.gen(function* () {
      const { consul, ended, nomad, put, serve, status, until } = yield* setStage
      const first = yield* serve()
      for (const name of ["told", "signed"]) yield* put(name, record(name))
      const { job_id: jobId = "" } = yield* ended("told")
      yield* ended("signed")
      yield* Fiber.interrupt(first)

      const stored = (name: string) => Effect.map(Effect.orDie(consul.get(keys.status(name))), Option.getOrThrow)
      const renew = (name: string, change: object) =>
        Effect.flatMap(stored(name), ({ value }) => consul.put(keys.status(name), renewed(value, change)))
      const error = "nobody trusts the key"
      yield* renew("told", { status: "FAILED", reason: "SignatureRefused", error })
      yield* renew("signed", { status: "SIGNING", phase: "sign" })
      const signed = yield* stored("signed")
      const jobs = Effect.map(Effect.orDie(nomad.jobs("build-")), ({ value }) => value.map(({ ID }) => ID).toSorted())
      const before = yield* jobs

      yield* serve()
      yield* put("later", record("later"))
      const { attempts } = yield* ended("later")
      const own = attempts.map(({ nomad_job_id: id }) => id).filter((id) => id.startsWith("build-"))
      assert.deepStrictEqual(yield* jobs, [...before, ...own].toSorted())
      const kept = { job_id: jobId, generation: 1, status: "FAILED", reason: "SignatureRefused", error }
      assert.deepStrictEqual<unknown>(telling(yield* status("told")), kept)
      // A new record is another matter: but what runs for the old one is not known.
      yield* put("signed", record("signed", { image_tags: ["2"] }))
      yield* consul.put(keys.request("r"), requestValue.encode({ verb: "cleanup", job_id: jobId }))
      const answered = yield* until("told", ({ events }) => events.some(({ reason }) => reason.startsWith("Clean")))
      assert.deepStrictEqual<unknown>(telling(answered), kept)
      yield* put("last", record("last"))
      yield* ended("last")
      assert.deepStrictEqual(yield* stored("signed"), signed)
      // Deleted, it is begun anew, as any record without a status.
      yield* consul.delete(keys.status("signed"))
      yield* put("signed", record("signed", { image_tags: ["3"] }))
      yield* eventually(
        "it is built",
        Effect.map(Effect.orDie(consul.get(keys.status("signed"))), (entry) =>
          Option.exists(entry, ({ value }) => Predicate.hasProperty(parsed(value), "job_id"))
        )
      )
    })
  )
})

const parsed = (bytes: Uint8Array): unknown => Schema.decodeUnknownSync(Json)(new TextDecoder().decode(bytes))

const telling = (status: Status | undefined) =>
  status && Struct.pick(status, "job_id", "generation", "status", "reason", "error")
