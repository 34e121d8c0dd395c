import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { consulProgram, startRealConsul } from "../support/RealConsul.ts"
import { elections } from "./elections.ts"

const program = consulProgram()
const title =
  program === undefined ? "with a real Consul (skipped: no consul on the PATH and no CONSUL_BIN)" : "with a real Consul"

describe.skipIf(program === undefined)(title, () => {
  elections(Effect.map(startRealConsul(program ?? ""), ({ address }) => address))
})
