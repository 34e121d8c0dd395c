/** Eight letters in a row of a canary, in clear or in any place of a text in base64 or hex: less tells nothing. */
const window = 8

/** Written anew here: what finds secrets must not be what hid them. */
export const findCanaries = (
  canaries: Readonly<Record<string, string>>,
  content: Uint8Array
): ReadonlyArray<string> => {
  const text = Buffer.from(content).toString("latin1")
  const views = [text, text.replaceAll(/\s+/g, ""), unquoted(text)]
  const encoded = text
    .replaceAll(/[^A-Za-z0-9+/_=-]+/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/")
  for (let shift = 0; shift < 4; shift++) {
    // Each run of digits, wherever it begins.
    for (const [run] of text.replaceAll(/\s+/g, "").matchAll(/[A-Za-z0-9+/_-]{12,}/g)) {
      views.push(Buffer.from(run.slice(shift), "base64").toString("latin1"))
    }
    views.push(Buffer.from(encoded.slice(shift), "base64").toString("latin1"))
  }
  for (const [run] of text.replaceAll(/\s+/g, "").matchAll(/[0-9a-fA-F]{16,}/g)) {
    views.push(Buffer.from(run, "hex").toString("latin1"), Buffer.from(run.slice(1), "hex").toString("latin1"))
  }
  return Object.entries(canaries).flatMap(([name, canary]) => {
    const parts = Array.from({ length: Math.max(1, canary.length - window + 1) }, (_, at) =>
      canary.slice(at, at + window)
    )
    return views.some((view) => parts.some((part) => view.includes(part))) ? [name] : []
  })
}

const unquoted = (text: string): string =>
  text
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll("\\", "")
