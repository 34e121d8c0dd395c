/**
 * What the pacemaker's thread runs, as static text: whatever transforms the program (a bundler, a test runner) leaves it
 * alone, and it needs no file of its own beside a bundle. It gets all that varies as `workerData`, whose shape is
 * `ThreadPlan` in ThreadPacemaker.ts, and tells what it learns through shared memory, so that a main thread that comes
 * back from a long absence sees the truth before it does anything else.
 */
export const pacemakerScript = `"use strict"
const { parentPort, workerData: plan } = require("node:worker_threads")
const http = require(plan.origin.startsWith("https:") ? "node:https" : "node:http")
const cells = new BigInt64Array(plan.cells)
const { urlToHttpOptions } = require("node:url")
/** What all requests have in common, read once: an idle service does little else than to send them. */
const common = {
  ...urlToHttpOptions(new URL(plan.origin)),
  agent: new http.Agent({ ...plan.tls, keepAlive: true }),
  headers: plan.headers,
  ...plan.tls
}
if (plan.socketPath !== undefined) common.socketPath = plan.socketPath
let over = false

const now = () => [BigInt(Date.now()), process.hrtime.bigint() / 1000000n]
const store = (cell, [wall, steady]) => {
  Atomics.store(cells, cell, wall)
  Atomics.store(cells, cell + 1, steady)
}
/** By the clock that says more. */
const sinceCell = (cell) => {
  const [wall, steady] = now()
  const byWall = wall - Atomics.load(cells, cell)
  const bySteady = steady - Atomics.load(cells, cell + 1)
  return byWall > bySteady ? byWall : bySteady
}
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The shared memory first: whoever hears the message must find it there. */
const end = (code) => {
  if (over) return
  over = true
  Atomics.store(cells, plan.cell.end, BigInt(code))
  parentPort.postMessage({ ended: true })
}

let told = ""
const complain = (text) => {
  if (text === told) return
  told = text
  parentPort.postMessage({ trouble: text })
}

/** Status 0: no complete answer. Never fails. */
const send = ({ method, path, body }) =>
  new Promise((resolve) => {
    const fail = (error) => {
      clearTimeout(timer)
      resolve({ status: 0, headers: {}, text: error.message || String(error.code) })
    }
    const request = http.request({ ...common, method, path }, (response) => {
      const chunks = []
      response.on("data", (chunk) => chunks.push(chunk))
      response.on("error", fail)
      response.on("end", () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() })
      })
    })
    const timer = setTimeout(() => request.destroy(new Error("no answer within " + plan.patience + " ms")), plan.patience)
    request.on("error", fail)
    request.end(body)
  })

const refused = (what, { status, text }) => {
  complain(what + ": " + (status === 0 ? "" : status + " ") + text.replace(/\\s+/g, " ").slice(0, 200))
  return false
}

const beat = async () => {
  const sent = now()
  const answer = await send(plan.beat)
  if (answer.status === 200) {
    if (sinceCell(plan.cell.beat) < BigInt(plan.ttl)) store(plan.cell.beat, sent)
    else end(plan.ends.lapsed)
    return true
  }
  if (answer.status === 404 || (answer.status === 500 && new RegExp(plan.gone).test(answer.text))) end(plan.ends.proofGone)
  return refused("report", answer)
}

const holderOf = (text) => {
  try {
    return { known: true, session: JSON.parse(text)[0].Session }
  } catch {
    return { known: false }
  }
}

/** A 404 without an index is not Consul's: a proxy's must not pass for a missing key. */
const confirm = async () => {
  if (Atomics.load(cells, plan.cell.leading) === 0n) return true
  const sent = now()
  const answer = await send(plan.confirm)
  const missing = answer.status === 404 && answer.headers["x-consul-index"] !== undefined
  const holder = answer.status === 200 ? holderOf(answer.text) : { known: missing }
  if (!holder.known) return refused("confirmation", answer)
  if (holder.session === plan.session) store(plan.cell.confirmed, sent)
  else end(plan.ends.keyLost)
  return true
}

const paced = async (every, step) => {
  while (!over) {
    const start = performance.now()
    const pause = (await step()) ? every : Math.min(every, plan.retryEvery)
    await sleep(Math.max(0, pause - (performance.now() - start)))
  }
}

/** By the clock that says less: a wall clock that was put forward is no reason. */
const watch = setInterval(() => {
  const [wall, steady] = now()
  const byWall = wall - Atomics.load(cells, plan.cell.main)
  const bySteady = steady - Atomics.load(cells, plan.cell.main + 1)
  const silent = byWall < bySteady ? byWall : bySteady
  if (silent <= BigInt(plan.wedgedAfter)) return
  clearInterval(watch)
  if (over) return
  end(plan.ends.wedged)
  void send(plan.abandon)
}, plan.pulseEvery)

void paced(plan.beatEvery, beat)
void paced(plan.confirmEvery, confirm)
`
