import { afterAll, beforeAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { consulConformance } from "../../conformance/consul.ts"

const scope = Effect.runSync(Scope.make())
let address = ""

beforeAll(async () => {
  const started = startEmbeddedConsul({ host: "127.0.0.1", port: 0 })
  address = (await Effect.runPromise(Scope.extend(started, scope))).address
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

consulConformance("the embedded server", () => address)
