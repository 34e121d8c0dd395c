import { parseGoDuration } from "../../http/goDuration.ts"
import type { Answer, Exchange } from "../../http/EmbeddedServer.ts"
import type { NomadState } from "../machine/NomadState.ts"
import type { NomadEngine } from "./NomadEngine.ts"

/** An answer of a Nomad agent that isn't 200: a code and a plain text. */
export class HttpFault extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, text: string, headers: Readonly<Record<string, string>> = {}) {
    super(text)
    this.status = status
    this.headers = headers
  }
}

export const plainText = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { "Content-Type": "text/plain; charset=utf-8", ...headers },
  body: text
})

export const jsonAnswer = (value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 200,
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(value)
})

/** The answer to a change, which carries the log's index only. */
export const written = (value: unknown, index: number): Answer => jsonAnswer(value, { "X-Nomad-Index": String(index) })

/** Fails with 405 unless the method is one of these. */
export const onlyMethods = (exchange: Exchange, ...methods: ReadonlyArray<string>): void => {
  if (!methods.includes(exchange.method)) throw new HttpFault(405, "Invalid method")
}

/** The one region and namespace that there are; `*` means every namespace in lists. */
export const isKnownNamespace = (exchange: Exchange): boolean =>
  ["", "default", "*"].includes(exchange.query.get("namespace") ?? "")

export const checkRegion = (region: string | null): void => {
  if (region !== null && region !== "" && region !== "global") throw new HttpFault(500, "No path to region")
}

/** Go's strconv.ParseBool. */
export const parseBool = (text: string | null, absent: boolean, fault: (why: string) => HttpFault): boolean => {
  if (text === null || text === "") return absent
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false
  throw fault(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

/** What one read finds in a state. */
export interface Found {
  readonly index: number
  /** `undefined`: not there. */
  readonly value: unknown
  /** Tells whether a wake was about what is asked for, where the index is a whole table's. */
  readonly fingerprint?: string
}

export interface Read {
  /** What wakes a blocking query. */
  readonly topics: ReadonlyArray<string>
  readonly find: (state: NomadState) => Found
  /** The text of the 404. */
  readonly missing: string
}

/** Answers a read, at once or when it has something newer than `index`, at the latest after `wait` and a sixteenth. */
export const answerRead = (engine: NomadEngine, exchange: Exchange, read: Read): void => {
  checkRegion(exchange.query.get("region"))
  const { index, waitMs } = blockingOf(exchange)
  const first = read.find(engine.state)
  if (index === 0 || first.index > index) return exchange.answer(render(read, first))
  const deadline = Date.now() + waitMs + (Math.random() * waitMs) / 16
  let forget = () => {}
  const again = (): void => {
    forget = engine.wait(read.topics, Math.max(0, deadline - Date.now()), (why) => {
      const now = read.find(engine.state)
      const news = now.index > index && (now.fingerprint === undefined || now.fingerprint !== first.fingerprint)
      if (news || why === "timeout") exchange.answer(render(read, now))
      else again()
    })
  }
  exchange.onGone(() => forget())
  again()
}

const render = (read: Read, { index, value }: Found): Answer => {
  // A blocking client that got index 0 would spin.
  const headers = {
    "X-Nomad-Index": String(Math.max(1, index)),
    "X-Nomad-KnownLeader": "true",
    "X-Nomad-LastContact": "0"
  }
  return value === undefined ? plainText(404, read.missing, headers) : jsonAnswer(value, headers)
}

const defaultWaitMs = 300_000
const longestWaitMs = 600_000

const blockingOf = (exchange: Exchange): { readonly index: number; readonly waitMs: number } => {
  const index = exchange.query.get("index") ?? ""
  if (index !== "" && !/^\d+$/.test(index)) throw new HttpFault(400, "Invalid index")
  const wait = exchange.query.get("wait") ?? ""
  if (wait === "") return { index: Number(index), waitMs: defaultWaitMs }
  const parsed = parseGoDuration(wait)
  if (parsed._tag === "Refused") throw new HttpFault(400, "Invalid wait time")
  return { index: Number(index), waitMs: Math.min(longestWaitMs, Math.max(0, parsed.ms)) }
}
