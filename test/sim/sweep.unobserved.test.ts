import { describeSweep } from "./describeSweep.ts"
import { scenarios } from "./scenarios.ts"
import { unobserved } from "./sweep.ts"

describeSweep(unobserved, scenarios)
