import { Duration, Effect, Option, Schema } from "effect"
import { NotFound } from "../http/ApiError.ts"
import { about, type Call, type CallRequest, decodeBody } from "./Call.ts"
import { goDuration } from "./GoDuration.ts"

/** What happens to the keys that a session holds when it ends. */
type SessionBehavior = "release" | "delete"

export interface SessionOptions {
  readonly name: string
  /** 10 s to 24 h. Consul ends the session between one and two TTLs after the last renewal. Without it: only with its checks. */
  readonly ttl?: Duration.DurationInput
  /** How long nobody can acquire what the session held when it ended by failure. */
  readonly lockDelay: Duration.DurationInput
  readonly behavior: SessionBehavior
  /**
   * Checks of the same node whose turning critical ends the session. `node` names those without a service; leaving it
   * out means `serfHealth`, the node's own.
   */
  readonly checks?: {
    readonly service?: ReadonlyArray<string>
    readonly node?: ReadonlyArray<string>
  }
  /** The agent's own unless given. */
  readonly node?: string
}

export interface SessionInfo {
  readonly id: string
  readonly name: string
  readonly node: string
  readonly lockDelay: Duration.Duration
  readonly behavior: SessionBehavior
  /** In Go's notation, as it was given. */
  readonly ttl?: string
  readonly nodeChecks: ReadonlyArray<string>
  readonly serviceChecks: ReadonlyArray<string>
  readonly createIndex: number
  readonly modifyIndex: number
}

export const makeSessions = (call: Call) => ({
  createSession: (options: SessionOptions) => {
    const request: CallRequest = {
      operation: `session.create ${options.name}`,
      method: "PUT",
      path: "/v1/session/create",
      body: JSON.stringify(encodeOptions(options))
    }
    return call(request).pipe(
      Effect.flatMap(decodeCreated(request)),
      Effect.map(({ ID }) => ID)
    )
  },

  renewSession: (id: string) => {
    const request = onSession("renew", "PUT", id)
    return call(request).pipe(
      Effect.flatMap(decodeSessions(request)),
      Effect.flatMap(([session]) =>
        session === undefined ? new NotFound({ ...about(request), detail: "" }) : Effect.succeed(toInfo(session))
      )
    )
  },

  destroySession: (id: string) => Effect.asVoid(call(onSession("destroy", "PUT", id))),

  sessionInfo: (id: string) => {
    const request = onSession("info", "GET", id)
    return call(request).pipe(
      Effect.flatMap(decodeSessions(request)),
      Effect.map(([session]) => Option.map(Option.fromNullable(session), toInfo))
    )
  }
})

const onSession = (verb: "renew" | "destroy" | "info", method: CallRequest["method"], id: string): CallRequest => ({
  operation: `session.${verb} ${id}`,
  method,
  path: `/v1/session/${verb}/${encodeURIComponent(id)}`
})

const encodeOptions = (options: SessionOptions) => ({
  Name: options.name,
  Node: options.node,
  TTL: options.ttl === undefined ? undefined : goDuration(options.ttl),
  LockDelay: goDuration(options.lockDelay),
  Behavior: options.behavior,
  NodeChecks: options.checks?.node,
  ServiceChecks: options.checks?.service?.map((id) => ({ ID: id }))
})

const decodeCreated = decodeBody(Schema.Struct({ ID: Schema.NonEmptyString }))

const Session = Schema.Struct({
  ID: Schema.String,
  Name: Schema.String,
  Node: Schema.String,
  LockDelay: Schema.Number,
  Behavior: Schema.Literal("release", "delete"),
  TTL: Schema.optional(Schema.String),
  NodeChecks: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))),
  ServiceChecks: Schema.optional(Schema.NullOr(Schema.Array(Schema.Struct({ ID: Schema.String })))),
  CreateIndex: Schema.Number,
  ModifyIndex: Schema.Number
})
const decodeSessions = decodeBody(Schema.Array(Session))

const toInfo = (session: typeof Session.Type): SessionInfo => ({
  id: session.ID,
  name: session.Name,
  node: session.Node,
  // Nanoseconds.
  lockDelay: Duration.millis(session.LockDelay / 1e6),
  behavior: session.Behavior,
  nodeChecks: session.NodeChecks ?? [],
  serviceChecks: (session.ServiceChecks ?? []).map(({ ID }) => ID),
  createIndex: session.CreateIndex,
  modifyIndex: session.ModifyIndex,
  ...(session.TTL === undefined || session.TTL === "" ? {} : { ttl: session.TTL })
})
