/** The bytes of a value; text becomes UTF-8. */
export const bytesOf = (value: string | Uint8Array): Uint8Array =>
  typeof value === "string" ? new TextEncoder().encode(value) : value

export const toBase64 = (value: string | Uint8Array): string => Buffer.from(value).toString("base64")

/** Node's own decoder: a list of 10,000 values is decoded on every change. */
export const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"))
