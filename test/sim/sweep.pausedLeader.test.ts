import { describeSweep } from "./describeSweep.ts"
import { everyday } from "./scenarios.ts"
import { pausedLeader } from "./sweep.ts"

describeSweep(pausedLeader, everyday)
