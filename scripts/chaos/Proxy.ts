import { connect, createServer, type Server, type Socket } from "node:net"

/** A TCP relay on 127.0.0.1 whose connections can be cut or held, and whose far end can move. */
export class Proxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: () => number
  #held = false

  private constructor(target: () => number) {
    this.#target = target
    this.#server = createServer((near) => this.#relay(near))
  }

  static async to(target: () => number): Promise<Proxy> {
    const proxy = new Proxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get address(): string {
    const bound = this.#server.address()
    return `http://127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : 0}`
  }

  /** Every connection breaks, in the middle of whatever it carries. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Nothing passes in either direction until `release`, though the connections stand. */
  hold(): void {
    this.#held = true
    for (const socket of this.#sockets) socket.pause()
  }

  release(): void {
    this.#held = false
    for (const socket of this.#sockets) socket.resume()
  }

  close(): Promise<void> {
    this.cut()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #relay(near: Socket): void {
    const far = connect(this.#target(), "127.0.0.1")
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      this.#sockets.add(one)
      one.on("data", (chunk) => {
        if (!other.write(chunk)) one.pause()
      })
      other.on("drain", () => {
        if (!this.#held) one.resume()
      })
      // A broken connection is broken on both sides: what is relayed knows no half.
      one.on("error", () => {})
      one.on("close", () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      if (this.#held) one.pause()
    }
  }
}
