import { readFile } from "node:fs/promises"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"

/** One file without dependencies: a command that starts in a third of the time that its modules would take. */
export const bundle = async (outfile: string): Promise<void> => {
  const manifest: unknown = JSON.parse(await readFile("package.json", "utf8"))
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : ""
  await build({
    entryPoints: ["src/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minify: true,
    keepNames: true,
    sourcemap: "linked",
    define: { JOBFORGE_VERSION: JSON.stringify(version) },
    // Some dependencies are CommonJS and ask for `require`.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning"
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await bundle("dist/jobforge.mjs")
