import { Context, Effect, Layer, Option, Schema, type Scope } from "effect"
import type { Consul } from "../../src/consul/Consul.ts"
import { LeaderStatus } from "../../src/leader/LeaderStatus.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { Authentication } from "../../src/server/Authentication.ts"
import { Diagnoses } from "../../src/server/Diagnoses.ts"
import { httpApp, httpShortcut } from "../../src/server/httpApp.ts"
import { serveHttp } from "../../src/server/httpServer.ts"
import { JobLogs } from "../../src/server/JobLogs.ts"
import { Limits } from "../../src/server/Limits.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { Records } from "../../src/store/Records.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"
import { deskOf, keys } from "./deskOf.ts"

export interface HttpDesk {
  readonly url: string
  /** Any request, without following redirects. */
  readonly ask: (path: string, init?: RequestInit) => Effect.Effect<Answer>
  /** A POST with a body as it stands, or a value as JSON. */
  readonly post: (path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Effect.Effect<Answer>
  /** How many wait for news of a status. */
  readonly waiters: Effect.Effect<number>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined for what is no JSON. */
  readonly json: unknown
}

/** A replica's whole HTTP interface on a real socket, over this Consul. Who leads is another's, or nobody. */
export const httpDesk = Effect.fnUntraced(function* (options: {
  readonly consul: Consul["Type"]
  readonly nomad?: Nomad["Type"]
  readonly corsOrigins?: ReadonlyArray<string>
  /** What it is told that it listens on; it listens on 127.0.0.1. */
  readonly host?: string
  /** Nobody is asked who it is unless this says so. */
  readonly authentication?: Authentication["Type"]
}): Effect.fn.Return<HttpDesk, never, Scope.Scope> {
  const { consul, corsOrigins = ["*"], host = "127.0.0.1", nomad } = options
  const desk = Layer.provideMerge(
    Layer.mergeAll(LogArchive.layer(keys), Records.layer(keys)),
    Layer.provideMerge(
      deskOf(consul),
      nomad === undefined ? Layer.mock(Nomad, { leader: () => Effect.succeed("none") }) : Layer.succeed(Nomad, nomad)
    )
  )
  const services = Layer.mergeAll(
    Layer.provideMerge(Layer.mergeAll(Diagnoses.layer, JobLogs.layer, Limits.layer), desk),
    Layer.succeed(Authentication, options.authentication ?? anybody),
    Layer.succeed(LeaderStatus, {
      current: Effect.succeed({ isLeader: false, holder: Option.none(), since: Option.none(), transitions: 0 })
    })
  )
  const context = yield* Layer.build(services)
  const interfaceOptions = { corsOrigins, host }
  const port = yield* serveHttp(
    httpApp(interfaceOptions),
    { host: "127.0.0.1", port: 0 },
    httpShortcut(interfaceOptions)
  ).pipe(Effect.provide(context), Effect.orDie)
  const url = `http://127.0.0.1:${port}`
  const ask: HttpDesk["ask"] = (path, init = {}) =>
    Effect.promise(async (signal) => {
      const response = await fetch(`${url}${path}`, { redirect: "manual", signal, ...init })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, json: Option.getOrUndefined(parse(text)) }
    })
  return {
    url,
    ask,
    waiters: Context.get(context, StatusWatch).waiters,
    post: (path, body, headers = {}) =>
      ask(path, {
        method: "POST",
        headers,
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : toJson(body) })
      })
  }
})

const anybody: Authentication["Type"] = {
  identify: () => Effect.succeed({ caller: Option.none(), acting: Option.none() })
}

export const toJson = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const parse = Schema.decodeUnknownOption(Schema.parseJson())
