import { once } from "node:events"
import { type ClientRequest, createServer, type IncomingMessage, request } from "node:http"

export interface HoldingProxy {
  /** `127.0.0.1:port` */
  readonly host: string
  /**
   * Stops the next request that fits: after half of its body, or, `answer`, when the server has done what it was asked and
   * only the answer is still on its way. Resolves when that has happened; nothing more passes then.
   */
  readonly hold: (fits: (asked: IncomingMessage) => boolean, what?: "body" | "answer") => Promise<void>
  readonly stop: () => Promise<void>
}

/** Bytes of a held request's body that pass at most. */
const share = 256 * 1024

interface Trap {
  readonly fits: (asked: IncomingMessage) => boolean
  readonly what: "body" | "answer"
  readonly held: () => void
}

/** Passes HTTP on to a server of this machine, as that server's own address would answer. */
export const startHoldingProxy = async (target: string): Promise<HoldingProxy> => {
  const [hostname, port] = target.replace(/^http:\/\//, "").split(":")
  let set: Trap | undefined
  const server = createServer((asked, answer) => {
    const trap = set?.fits(asked) === true ? set : undefined
    if (trap !== undefined) set = undefined
    const { headers, method, url: path } = asked
    const onward = request({ hostname, port, method, path, headers }, (answered) => {
      if (trap !== undefined) return trap.held()
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    })
    onward.on("error", () => answer.destroy())
    // Half of a body must not look like a whole one.
    asked.on("close", () => {
      if (!asked.complete) onward.destroy()
    })
    asked.on("error", () => undefined)
    answer.on("error", () => undefined)
    answer.on("close", () => onward.destroy())
    if (trap?.what === "body") passHalf(asked, onward, trap.held)
    else asked.pipe(onward)
  })
  // A held upload may take as long as the test wants.
  server.requestTimeout = 0
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    host: `127.0.0.1:${address.port}`,
    hold: (fits, what = "body") =>
      new Promise((held, reject) => {
        const impatience = setTimeout(() => reject(new Error("no such request came within a minute")), 60_000)
        set = {
          fits,
          what,
          held: () => {
            clearTimeout(impatience)
            held()
          }
        }
      }),
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    }
  }
}

const passHalf = (asked: IncomingMessage, onward: ClientRequest, held: () => void): void => {
  const half = Math.floor(Number(asked.headers["content-length"] ?? 2 * share) / 2)
  let left = Math.min(half, share)
  const stop = (): void => {
    asked.removeAllListeners("data").removeAllListeners("end").pause()
    held()
  }
  asked.on("data", (chunk: Buffer) => {
    onward.write(chunk.subarray(0, left))
    left -= chunk.length
    if (left <= 0) stop()
  })
  // A short body of unknown length lacks its end then.
  asked.on("end", stop)
}
