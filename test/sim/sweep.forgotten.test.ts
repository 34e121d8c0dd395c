import { describeSweep } from "./describeSweep.ts"
import { everyday } from "./scenarios.ts"
import { forgotten } from "./sweep.ts"

describeSweep(forgotten, everyday)
