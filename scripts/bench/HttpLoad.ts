import { connect, type Socket } from "node:net"

/** What was asked, and what came of it. */
export interface Answered {
  /** Answers a second. */
  readonly rate: number
  /** Milliseconds of each; in an open loop from when it was due. */
  readonly times: ReadonlyArray<number>
}

/** A whole request, as it goes over the wire. */
export const requestText = (method: "GET" | "POST", path: string, body = ""): string => {
  const about = body === "" ? "" : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${about}\r\n${body}`
}

/**
 * Keep-alive connections to one server, one request at a time on each. It writes bytes and looks for nothing but an
 * answer's status and end: on a machine with few cores whoever asks must not cost more than whoever answers.
 */
export class HttpLoad {
  readonly #all: ReadonlyArray<Connection>

  private constructor(all: ReadonlyArray<Connection>) {
    this.#all = all
  }

  static async open(port: number, connections: number): Promise<HttpLoad> {
    return new HttpLoad(await Promise.all(Array.from({ length: connections }, () => Connection.open(port))))
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }

  /** Each connection asks again as soon as it has its answer. */
  async closedLoop(milliseconds: number, next: () => string): Promise<Answered> {
    const times: Array<number> = []
    const begun = performance.now()
    const one = async (connection: Connection) => {
      while (performance.now() - begun < milliseconds) {
        const asked = performance.now()
        await connection.ask(next())
        times.push(performance.now() - asked)
      }
    }
    await Promise.all(this.#all.map(one))
    return { rate: (1000 * times.length) / (performance.now() - begun), times }
  }

  /** Asks once on each connection; answers with the time (of `performance.now`) of each answer. */
  each(text: string): Promise<ReadonlyArray<number>> {
    return Promise.all(
      this.#all.map(async (connection) => {
        await connection.ask(text)
        return performance.now()
      })
    )
  }

  /** So many a second, whether or not the earlier ones were answered: what has to wait for a connection waits in its time. */
  openLoop(milliseconds: number, rate: number, next: () => string): Promise<Answered> {
    const idle = [...this.#all]
    const due: Array<number> = []
    const times: Array<number> = []
    const begun = performance.now()
    let asked = 0
    return new Promise((resolve, reject) => {
      const answer = async (connection: Connection, at: number) => {
        try {
          await connection.ask(next())
          times.push(performance.now() - at)
          idle.push(connection)
          send()
        } catch (error) {
          clearInterval(timer)
          reject(error)
        }
      }
      const send = (): void => {
        for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
          const at = due.shift()
          if (at === undefined) return void idle.push(connection)
          void answer(connection, at)
        }
      }
      const timer = setInterval(() => {
        const elapsed = Math.min(performance.now() - begun, milliseconds)
        for (; asked < (elapsed * rate) / 1000; asked += 1) due.push(begun + (1000 * asked) / rate)
        send()
        if (elapsed < milliseconds || times.length < asked) return
        clearInterval(timer)
        resolve({ rate: (1000 * times.length) / (performance.now() - begun), times })
      }, 1)
    })
  }
}

class Connection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #answered: (() => void) | undefined
  #failed: ((why: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => this.#take(chunk))
    socket.on("error", (error) => this.#failed?.(error))
    socket.on("close", () => this.#failed?.(new Error("the server closed the connection")))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(new Connection(socket)))
      socket.once("error", reject)
    })
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  ask(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(text)
    })
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const end = this.#received.indexOf("\r\n\r\n")
    if (end < 0) return
    const head = this.#received.toString("latin1", 0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN)
    if (!head.startsWith("HTTP/1.1 200 ") || Number.isNaN(length)) {
      return this.#failed?.(new Error(`not the answer that was expected: ${this.#received.toString("utf8", 0, 500)}`))
    }
    if (this.#received.length < end + 4 + length) return
    this.#received = Buffer.alloc(0)
    this.#answered?.()
  }
}
