import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"

/** A real consul: `CONSUL_BIN`, or the first on the PATH. `undefined`: none here. */
export const consulBinary = [
  process.env["CONSUL_BIN"] ?? "",
  ...(process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "consul"))
].find((path) => path !== "" && existsSync(path))
