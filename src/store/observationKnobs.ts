import { knob } from "./Knob.ts"
import { duration, flag, integer, string } from "./knobParsers.ts"

/** How the service shows its own state. */
export const observationKnobs = {
  logJobSpecs: knob(
    "LOG_JOB_SPECS",
    "log_job_specs",
    "false",
    flag,
    "Log each step's Nomad job, in Base64 and without secrets, at level debug"
  ),
  logHclFormat: knob("LOG_HCL_FORMAT", "log_hcl_format", "false", flag, "LOG_JOB_SPECS as HCL instead of JSON"),
  monitoring: knob("MONITORING_ENABLED", undefined, "true", flag, "Measure, and serve `/metrics`"),
  metricsPort: knob("METRICS_PORT", undefined, "9090", integer(0, 65_535), "Port of `/metrics`; 0: none"),
  metricsHost: knob(
    "METRICS_HOST",
    undefined,
    "",
    string,
    "Address that it listens on; empty: the service's own (SERVER_HOST)"
  ),
  metricsOwners: knob(
    "METRICS_OWNERS",
    undefined,
    "50",
    integer(0, 10_000),
    "Owners that have series of their own; the others share one"
  ),
  healthPort: knob(
    "HEALTH_PORT",
    undefined,
    "0",
    integer(0, 65_535),
    "Port on which `/health` and `/ready` are served once more, for old probes; 0: none"
  ),
  watchdogPatience: knob(
    "WATCHDOG_PATIENCE",
    "watchdog_patience",
    "20s",
    duration,
    "How long the work may stand still before `/ready` turns red"
  )
} as const
