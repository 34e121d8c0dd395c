import { describeSweep } from "./describeSweep.ts"
import { everyday } from "./scenarios.ts"
import { crash } from "./sweep.ts"

describeSweep(crash, everyday)
