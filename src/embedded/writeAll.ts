import { writeSync } from "node:fs"

/** The operating system may take a part only. */
export const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
}
