import { afterAll, beforeAll, describe } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { nomadProgram, startRealNomad } from "../support/RealNomad.ts"
import { nomadConformance } from "./nomad.ts"

const program = nomadProgram()

const title =
  program === undefined ? "a real Nomad is not here: put nomad on the PATH, or name it in NOMAD_BIN" : "a real Nomad"

describe.skipIf(program === undefined)(title, () => {
  const scope = Effect.runSync(Scope.make())
  let address = ""

  beforeAll(async () => {
    address = await Effect.runPromise(Scope.extend(startRealNomad(program ?? ""), scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  nomadConformance("it", () => address)
})
