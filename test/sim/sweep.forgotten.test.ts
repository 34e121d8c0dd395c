import { describeSweep } from "./describeSweep.ts"
import { forgotten } from "./sweep.ts"

describeSweep(forgotten)
