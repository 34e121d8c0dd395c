import { readFile, writeFile } from "node:fs/promises"
import { pathToFileURL } from "node:url"
import { knobs } from "../src/store/knobs.ts"

const begin = "<!-- settings:begin -->"
const end = "<!-- settings:end -->"

/** The README with its table of settings as the code has them. */
export const withSettings = (readme: string): string => {
  const rows = Object.values(knobs).map(
    ({ env, key, fallback, description }) =>
      `| \`${env}\` | ${key === undefined ? "–" : `\`${key}\``} | ${fallback === "" ? "–" : `\`${fallback}\``} | ${description} |`
  )
  const table = ["| Environment | `config/` | Default | Meaning |", "|---|---|---|---|", ...rows].join("\n")
  const from = readme.indexOf(begin) + begin.length
  return `${readme.slice(0, from)}\n${table}\n${readme.slice(readme.indexOf(end))}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeFile("README.md", withSettings(await readFile("README.md", "utf8")))
}
