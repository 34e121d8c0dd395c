import { HashMap, Option } from "effect"
import { join } from "node:path"
import type { AnswerStream, Exchange } from "../../http/EmbeddedServer.ts"
import { groupOf } from "../machine/allocationView.ts"
import { type Allocation, isClientTerminal } from "../machine/NomadState.ts"
import { AllocationFiles } from "./AllocationFiles.ts"
import { checkedId } from "./clusterRoutes.ts"
import { type FileFrame, fileFrames, type FramesOptions, logFrames } from "./fileFrames.ts"
import type { NomadEngine } from "./NomadEngine.ts"
import { HttpFault, jsonAnswer, parseBool, plainText } from "./NomadRequest.ts"

/** What the client part of the agent lends to the file API. */
export interface ClientFolders {
  /** The folder that holds one folder an allocation. */
  readonly allocations: string
  /** Removes a finished allocation's folder; `false` when the client does not know it or it still runs. */
  readonly collect: (allocationId: string) => Promise<boolean>
}

/** `/v1/client/fs/<what>/<allocation>`. */
export const fileRoute = async (
  engine: NomadEngine,
  client: ClientFolders,
  exchange: Exchange,
  rest: string
): Promise<void> => {
  const slash = rest.indexOf("/")
  const what = slash < 0 ? rest : rest.slice(0, slash)
  const id = slash < 0 ? "" : rest.slice(slash + 1)
  if (!["ls", "stat", "cat", "readat", "stream", "logs"].includes(what)) throw new HttpFault(404, "Invalid method")
  if (id === "") throw new HttpFault(400, "must provide a valid alloc id")
  if (what === "logs") return answerLogs(engine, client, exchange, id)
  if (what === "ls" || what === "stat") return answerInfo(engine, client, exchange, id)
  if (what === "stream") return answerFile(engine, client, exchange, what, id)
  try {
    await answerFile(engine, client, exchange, what, id)
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error
    // Nomad's agents lose the code of an error here: whatever it is, it comes as the file's text would.
    exchange.answer(plainText(200, error.message))
  }
}

/** `/v1/client/allocation/<id>/gc`, the one thing asked of a client about an allocation. */
export const clientAllocationRoute = async (
  engine: NomadEngine,
  client: ClientFolders,
  exchange: Exchange,
  rest: string
): Promise<void> => {
  const suffix = "/gc"
  if (!rest.endsWith(suffix))
    throw new HttpFault(501, "only gc is implemented for a client's allocation by this server")
  const id = checkedId(rest.slice(0, -suffix.length), "alloc")
  knownAllocation(engine, id)
  if (!(await client.collect(id))) {
    throw new HttpFault(500, "No such allocation on client, or allocation not eligible for GC")
  }
  exchange.answer({ status: 200, body: "" })
}

/** A task has no logs before it began, be it that it never will. */
const checkStarted = (allocation: Allocation, task: string): void => {
  const known = (groupOf(allocation)?.Tasks ?? []).some((item) => item.Name === task)
  if (!known) throw new HttpFault(400, `unknown task name ${JSON.stringify(task)}`)
  if ((allocation.TaskStates?.[task]?.StartedAt ?? null) === null) {
    throw new HttpFault(404, `task ${JSON.stringify(task)} not started yet. No logs available`)
  }
}

const answerInfo = async (
  engine: NomadEngine,
  client: ClientFolders,
  exchange: Exchange,
  id: string
): Promise<void> => {
  const path = exchange.query.get("path") ?? ""
  const files = new AllocationFiles(join(client.allocations, knownAllocation(engine, id).ID))
  if (exchange.path.includes("/fs/ls/")) return exchange.answer(jsonAnswer(files.list(path)))
  if (path === "") throw new HttpFault(400, "must provide a file name")
  exchange.answer(jsonAnswer(files.stat(path, 404)))
}

const answerFile = async (
  engine: NomadEngine,
  client: ClientFolders,
  exchange: Exchange,
  what: string,
  id: string
): Promise<void> => {
  const path = exchange.query.get("path") ?? ""
  if (path === "") throw new HttpFault(400, "must provide a file name")
  const asked = whatAsked(exchange, what)
  const { files } = await filesOf(engine, client, id)
  const options = { ...asked, signal: goneSignal(exchange) }
  return answerFrames(exchange, fileFrames(files, path, asked.limit, options), {
    follow: asked.follow,
    plain: asked.plain,
    type: "text/plain; charset=utf-8"
  })
}

const answerLogs = async (
  engine: NomadEngine,
  client: ClientFolders,
  exchange: Exchange,
  id: string
): Promise<void> => {
  const task = exchange.query.get("task") ?? ""
  if (task === "") throw new HttpFault(400, "must provide task name")
  const bool = (name: "follow" | "plain") =>
    parseBool(
      exchange.query.get(name),
      false,
      (why) => new HttpFault(400, `failed to parse ${name} field to boolean: ${why}`)
    )
  const follow = bool("follow")
  const plain = bool("plain")
  const type = exchange.query.get("type") ?? ""
  if (type !== "stdout" && type !== "stderr") throw new HttpFault(400, "must provide log type (stdout/stderr)")
  const offset = integer(exchange, "offset", 400)
  const origin = originOf(exchange)
  const { allocation, files } = await filesOf(engine, client, id)
  checkStarted(allocation, task)
  const options: FramesOptions = { offset, origin, follow, signal: goneSignal(exchange) }
  return answerFrames(exchange, logFrames(files, `${task}.${type}`, options), {
    plain,
    follow,
    type: plain ? "text/plain" : "application/json"
  })
}

/** An allocation's folder goes when its client collects it, while the servers still know of the allocation. */
const filesOf = async (
  engine: NomadEngine,
  client: ClientFolders,
  id: string
): Promise<{ readonly allocation: Allocation; readonly files: AllocationFiles }> => {
  const allocation = knownAllocation(engine, id)
  const node = HashMap.get(engine.state.nodes, allocation.NodeID)
  if (Option.exists(node, ({ Status }) => Status === "down")) throw new HttpFault(404, "No path to node")
  const files = new AllocationFiles(join(client.allocations, id))
  if (isClientTerminal(allocation) && !files.exists()) {
    throw new HttpFault(404, `state for allocation ${id} not found on client`)
  }
  return { allocation, files }
}

const knownAllocation = (engine: NomadEngine, id: string): Allocation => {
  const allocation = Option.getOrUndefined(HashMap.get(engine.state.allocations, checkedId(id, "alloc")))
  if (allocation === undefined) throw new HttpFault(404, `Unknown allocation ${JSON.stringify(id)}`)
  return allocation
}

interface Asked {
  readonly offset: number
  readonly limit: number
  readonly origin: "start" | "end"
  readonly follow: boolean
  readonly plain: boolean
}

const whatAsked = (exchange: Exchange, what: string): Asked => {
  const stream = what === "stream"
  const follow =
    stream &&
    parseBool(
      exchange.query.get("follow"),
      true,
      (why) => new HttpFault(500, `failed to parse follow field to boolean: ${why}`)
    )
  return {
    offset: what === "cat" ? 0 : integer(exchange, "offset", 500, what === "readat"),
    limit: what === "readat" ? integer(exchange, "limit", 500) : 0,
    origin: stream ? originOf(exchange) : "start",
    follow,
    plain: !stream
  }
}

const integer = (exchange: Exchange, name: string, status: number, required = false): number => {
  const text = exchange.query.get(name) ?? ""
  if (text === "" && !required) return 0
  if (/^\d+$/.test(text)) return Number(text)
  const why = `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`
  throw new HttpFault(status, `error parsing ${name}: ${why}`)
}

const originOf = (exchange: Exchange): "start" | "end" => {
  const origin = exchange.query.get("origin") ?? ""
  if (origin === "" || origin === "start") return "start"
  if (origin === "end") return "end"
  throw new HttpFault(400, "origin must be start or end")
}

const goneSignal = (exchange: Exchange): AbortSignal => {
  const controller = new AbortController()
  exchange.onGone(() => controller.abort())
  return controller.signal
}

const heartbeatMs = 1000

/** Frames are JSON objects back to back; a followed stream says `{}` each second. The first error decides the status. */
const answerFrames = async (
  exchange: Exchange,
  frames: AsyncGenerator<FileFrame>,
  { plain, follow, type }: { readonly plain: boolean; readonly follow: boolean; readonly type: string }
): Promise<void> => {
  const headers = { "Content-Type": type }
  const gone = new Promise<void>((resolve) => exchange.onGone(resolve))
  const opened: { stream?: AnswerStream } = {}
  const open = (): AnswerStream => (opened.stream ??= exchange.stream(200, headers))
  const beat = follow ? setInterval(() => void open().write(plain ? "" : "{}"), heartbeatMs) : undefined
  try {
    for await (const frame of frames) {
      const stream = open()
      if (!stream.write(plain ? frame.data : frameText(frame))) await drained(gone, stream)
    }
    if (opened.stream === undefined) exchange.answer({ status: 200, headers, body: "" })
    else opened.stream.end()
  } catch (error) {
    if (opened.stream !== undefined) return opened.stream.end()
    if (!(error instanceof HttpFault)) throw error
    throw new HttpFault(error.status, error.message, headers)
  } finally {
    clearInterval(beat)
  }
}

const frameText = (frame: FileFrame): string =>
  JSON.stringify({ Data: Buffer.from(frame.data).toString("base64"), File: frame.file, Offset: frame.offset })

const drained = (gone: Promise<void>, stream: AnswerStream): Promise<void> =>
  Promise.race([gone, new Promise<void>((resolve) => stream.onDrain(resolve))])
