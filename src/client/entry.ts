/** The package's entry `jobforge/client`. */
export { JobForge, type CallOptions, type HistoryQuery, type JobForgeOptions } from "./JobForge.ts"
export * from "./ClientErrors.ts"
