import { parseAllowList } from "../http/AllowList.ts"
import { knob } from "./Knob.ts"

export const webhookKnobs = {
  webhookAllow: knob(
    "WEBHOOK_ALLOW",
    "webhooks/allow",
    "",
    parseAllowList,
    "Receivers of webhooks that may have no public address: hosts, host:port and networks as 10.0.0.0/8 (comma list)"
  )
} as const
