import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { elections } from "./elections.ts"

describe("with an embedded Consul", () => {
  elections(Effect.map(Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 })), ({ address }) => address))
})
