import { describeSweep } from "./describeSweep.ts"
import { everyday } from "./scenarios.ts"
import { stale } from "./sweep.ts"

describeSweep(stale, everyday)
