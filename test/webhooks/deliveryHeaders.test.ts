import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { decodeDelivery, type Delivery, encodeDelivery, outboxId, recordOf } from "../../src/webhooks/Delivery.ts"
import { deliveryHeaders } from "../../src/webhooks/deliveryHeaders.ts"

const delivery: Delivery = {
  envelope: {
    url: "https://hooks.example.com/x",
    event: "job.completed",
    delivery_id: "d",
    job_id: "j",
    written_at: 1000,
    attempts: 0,
    due_at: 1000
  },
  body: new TextEncoder().encode('{"ä":"\\n"}')
}

const hmac = (text: string) => `sha256=${createHmac("sha256", "s3cret").update(text).digest("hex")}`

describe("the headers of a delivery", () => {
  it("sign the exact body, and beside that the body together with the time", () => {
    assert.deepStrictEqual(deliveryHeaders(delivery, { secret: "s3cret", headers: {} }, 1_700_000_000), {
      "content-type": "application/json",
      "user-agent": "nomad-build-service/1.0",
      "x-webhook-event": "job.completed",
      "x-webhook-delivery": "d",
      "x-webhook-timestamp": "1700000000",
      "x-webhook-signature": hmac('{"ä":"\\n"}'),
      "x-webhook-signature-timestamped": hmac('1700000000.{"ä":"\\n"}')
    })
  })

  it("sign nothing without a secret", () => {
    const headers = deliveryHeaders(delivery, { headers: { "X-Webhook-Signature": "sha256=forged" } }, 1)
    assert.notProperty(headers, "x-webhook-signature")
    assert.notProperty(headers, "x-webhook-signature-timestamped")
  })

  it("are the job's own where it gives them, but for ours and those that frame a message", () => {
    const headers = deliveryHeaders(
      delivery,
      {
        secret: "s3cret",
        headers: {
          Authorization: "Bearer x",
          "Content-Type": "application/vnd.x+json",
          "USER-AGENT": "mine",
          "X-WEBHOOK-EVENT": "no",
          "x-webhook-signature": "no",
          Host: "no",
          "Content-Length": "1",
          "Transfer-Encoding": "chunked",
          "Proxy-Authorization": "no"
        }
      },
      1
    )
    assert.deepStrictEqual(headers["authorization"], "Bearer x")
    assert.strictEqual(headers["content-type"], "application/vnd.x+json")
    assert.strictEqual(headers["user-agent"], "mine")
    assert.strictEqual(headers["x-webhook-event"], "job.completed")
    assert.strictEqual(headers["x-webhook-signature"], hmac('{"ä":"\\n"}'))
    for (const name of ["host", "content-length", "transfer-encoding", "proxy-authorization"]) {
      assert.notProperty(headers, name)
    }
  })
})

describe("a delivery in the store", () => {
  it("is read as it was written, to the byte", () => {
    assert.deepStrictEqual(
      Option.map(decodeDelivery(encodeDelivery(delivery)), ({ body, envelope }) => ({
        envelope,
        body: new TextDecoder().decode(body)
      })),
      Option.some({ envelope: delivery.envelope, body: '{"ä":"\\n"}' })
    )
  })

  it.each(["", "{}", "{}\n{}", "no json\n{}"])("is not %j", (text) => {
    assert.isTrue(Option.isNone(decodeDelivery(new TextEncoder().encode(text))))
  })

  it("lies behind those that come before it", () => {
    const ids = [
      outboxId(1, "build.started", "z"),
      outboxId(1, "build.failed", "a"),
      outboxId(1, "job.failed", "a"),
      outboxId(2, "build.started", "a"),
      outboxId(10, "build.started", "a")
    ]
    assert.deepStrictEqual(ids.toSorted(), ids)
    assert.strictEqual(recordOf("outbox/", `outbox/team/app/${ids[0] ?? ""}`), "team/app")
  })
})
