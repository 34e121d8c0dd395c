import { describeSweep } from "./describeSweep.ts"
import { crash } from "./sweep.ts"

describeSweep(crash)
