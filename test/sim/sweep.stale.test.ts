import { describeSweep } from "./describeSweep.ts"
import { stale } from "./sweep.ts"

describeSweep(stale)
