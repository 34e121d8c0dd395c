import { describeSweep } from "./describeSweep.ts"
import { unobserved } from "./sweep.ts"

describeSweep(unobserved)
