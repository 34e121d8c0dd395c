/** Filled in by the bundler from package.json; a run from source has none. */
declare const JOBFORGE_VERSION: string | undefined

export const version = typeof JOBFORGE_VERSION === "string" ? JOBFORGE_VERSION : "0.0.0-source"
