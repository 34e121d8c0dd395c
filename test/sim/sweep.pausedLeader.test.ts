import { describeSweep } from "./describeSweep.ts"
import { pausedLeader } from "./sweep.ts"

describeSweep(pausedLeader)
