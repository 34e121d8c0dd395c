import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Agent } from "undici"

// What a plain server's answers cost: Node's own, with the one Consul call that each request is about. Requests that come at
// the same time don't share theirs here, as the service's do.
// `bareProcess.ts CONSUL PREFIX` prints its port.

const [, , consul = "", prefix = ""] = process.argv
const agent = new Agent({ connections: null, pipelining: 1 })

const answer = (response: ServerResponse, status: number, body: Uint8Array | string) => {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body)
  })
  response.end(body)
}

/** `GET /NAME`: the status of that name, as Consul shows it. */
const read = async (name: string, response: ServerResponse) => {
  const found = await agent.request({ origin: consul, path: `/v1/kv/${prefix}status/${name}`, method: "GET" })
  answer(response, found.statusCode, await found.body.bytes())
}

/** `POST /`: the body as a new record. */
const write = async (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const id = randomUUID()
  const path = `/v1/kv/${prefix}jobs/${id}?cas=0`
  const written = await agent.request({ origin: consul, path, method: "PUT", body: Buffer.concat(chunks) })
  const isWritten = (await written.body.text()).trim() === "true"
  answer(response, isWritten ? 200 : 502, JSON.stringify({ job_id: id, status: "PENDING" }))
}

const server = createServer((request, response) => {
  const handled = request.method === "POST" ? write(request, response) : read((request.url ?? "/").slice(1), response)
  handled.catch((error: unknown) => answer(response, 500, String(error)))
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(typeof address === "object" && address !== null ? address.port : 0)
})
