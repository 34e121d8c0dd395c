import { connect, type Socket } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { cpuOf } from "./ServiceProcess.ts"
import { type Figure, figureUnder } from "./Figure.ts"
import { heldRef } from "./instantDriver.ts"
import { Rig } from "./Rig.ts"

export interface LogBench {
  readonly readers: number
  /** Bytes of the log that all of them read. */
  readonly bytes: number
  /** Bytes that are written while one reader takes nothing. */
  readonly stalledBytes: number
}

/** (f) One running job's log, read by many as it is written; and by one that stops to read. */
export const logFollow = async ({ bytes, readers, stalledBytes }: LogBench): Promise<ReadonlyArray<Figure>> => {
  const rig = await Rig.open("any")
  try {
    const service = await rig.serve()
    await service.settled()
    await rig.put(["many", "stalled"], { git_ref: heldRef })
    await rig.until("both are held", () => rig.steps.holding === 2)
    await service.settled()

    // First, since a burst leaves memory that the system only takes back later.
    const [stalled, ...others] = await follow(rig, "stalled", 2)
    if (stalled === undefined) throw new Error("nobody follows")
    await write(rig, "stalled", [stalled, ...others], piece)
    stalled.stop()
    const before = service.memory()
    await write(rig, "stalled", others, stalledBytes)
    await pause(1000)
    const grown = service.memory() - before
    if (!stalled.isOpen) throw new Error("the one that took nothing was not there to the end")
    stalled.close()
    for (const reader of others) reader.close()
    rig.steps.release("stalled")

    const all = await follow(rig, "many", readers)
    await write(rig, "many", all, piece)
    const had = all.map(({ received }) => received)
    const [cpu, own, begun] = [service.cpu(), cpuOf(process.pid), performance.now()]
    const written = await write(rig, "many", all, bytes)
    const elapsed = performance.now() - begun
    const [serviceCpu, ownCpu] = [service.cpu() - cpu, cpuOf(process.pid) - own]
    const least = Math.min(...all.map(({ received }, at) => received - (had[at] ?? 0)))
    if (least < written) throw new Error(`a reader had ${least} bytes of ${written}`)
    for (const reader of all) reader.close()

    const delivered = (written * readers) / mega
    const figure = (load: string) =>
      figureUnder(
        "f",
        `${load}, lines of ${line.length} bytes, embedded Nomad; readers and Nomad in one process on the same machine`
      )
    const many = figure(`${readers} readers by event stream of ${(written / mega).toFixed(0)} MB`)
    const one = figure(`${(stalledBytes / mega).toFixed(0)} MB read by one of two`)
    return [
      many("log follow, of all readers together", (1000 * delivered) / elapsed, "MB/s"),
      many("log follow, service's processor time", serviceCpu / delivered, "ms/MB"),
      many("log follow, Nomad's and readers' processor time", ownCpu / delivered, "ms/MB"),
      one("log follow, memory growth with a stalled reader", grown / 1024 / 1024, "MiB")
    ]
  } finally {
    await rig.close()
  }
}

const mega = 1_000_000

const line = `${"a line of a build's output, such as compilers write it; ".repeat(2).padEnd(119, ".")}\n`

/** Written at once. Between two of them the slowest reader gets to the end, or else its lines would be rotated away. */
const piece = 256 * 1024

const endOf = (round: number) => `that was piece ${round}!`

let pieces = 0

/** Answers with the bytes that were written. */
const write = async (rig: Rig, name: string, readers: ReadonlyArray<Reader>, bytes: number): Promise<number> => {
  let written = 0
  while (written < bytes) {
    const end = endOf(pieces++)
    const text = `${line.repeat(Math.floor(Math.min(piece, bytes) / line.length))}${end}\n`
    const read = Promise.all(readers.map((reader) => reader.until(end)))
    rig.steps.write(name, text)
    await read
    written += text.length
  }
  return written
}

const follow = (rig: Rig, name: string, count: number): Promise<ReadonlyArray<Reader>> =>
  Promise.all(
    Array.from({ length: count }, () =>
      Reader.open(Number(new URL(rig.service.address).port), `/json/job/${name}/logs/stream`)
    )
  )

/** Looks at the end of what came only: it must not cost more than what it measures. */
class Reader {
  /** Bytes, of the events that the lines are sent in. */
  received = 0
  readonly #socket: Socket
  #last = ""
  #wanted: { readonly text: string; readonly seen: () => void; readonly failed: (why: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => this.#take(chunk))
    socket.on("error", (error) => this.#wanted?.failed(error))
    socket.on("close", () => this.#wanted?.failed(new Error("a log ended early")))
  }

  static open(port: number, path: string): Promise<Reader> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" }, () => {
        socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
        resolve(new Reader(socket))
      })
      socket.once("error", reject)
    })
  }

  until(text: string): Promise<void> {
    return new Promise((seen, failed) => {
      this.#wanted = { text, seen, failed }
    })
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readyState === "open"
  }

  stop(): void {
    this.#socket.pause()
  }

  close(): void {
    this.#wanted = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.received += chunk.length
    // A line of an event has some hundred bytes more than its text.
    this.#last = `${this.#last}${chunk.toString("latin1", Math.max(0, chunk.length - tail))}`.slice(-tail)
    if (this.#wanted === undefined || !this.#last.includes(this.#wanted.text)) return
    this.#wanted.seen()
    this.#wanted = undefined
  }
}

const tail = 2000
