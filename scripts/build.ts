import { execFile } from "node:child_process"
import { readFile, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { build } from "esbuild"

/** One file without dependencies: a command that starts in a third of the time that its modules would take. */
export const bundle = async (outfile: string, entry = "src/main.ts"): Promise<void> => {
  const manifest: unknown = JSON.parse(await readFile("package.json", "utf8"))
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : ""
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Identifiers stay: to keep names beside short ones, each closure would be named anew whenever it is made.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: "linked",
    define: { JOBFORGE_VERSION: JSON.stringify(version) },
    // Some dependencies are CommonJS and ask for `require`.
    banner: {
      js: 'import { createRequire as createRequireHere } from "node:module"; const require = createRequireHere(import.meta.url);'
    },
    logLevel: "warning"
  })
}

/** What programs import as `jobforge/client`: one file without dependencies. */
export const bundleClient = async (outfile: string): Promise<void> => {
  await build({
    entryPoints: ["src/client/entry.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minify: true,
    keepNames: true,
    logLevel: "warning"
  })
}

/** The types of what it exports. */
const declareClient = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true })
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc")
  await promisify(execFile)(process.execPath, [compiler, "-p", "tsconfig.client.json", "--outDir", folder])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await bundle("dist/jobforge.mjs")
  await bundleClient("dist/client.mjs")
  await declareClient("dist/types")
}
