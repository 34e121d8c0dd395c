import { describeSweep } from "./describeSweep.ts"
import { scenarios } from "./scenarios.ts"
import { crash } from "./sweep.ts"

describeSweep(crash, scenarios)
