import { describeSweep } from "./describeSweep.ts"
import { everyday } from "./scenarios.ts"
import { unobserved } from "./sweep.ts"

describeSweep(unobserved, everyday)
