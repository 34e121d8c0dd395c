/** An answer as it came, decoded where it is JSON. */
export interface Called {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** `undefined` when the text is no JSON. */
  readonly json: unknown
}

/** One request, with a text as it is or anything else as JSON. */
export const rawRequest = async (url: string, method = "GET", body?: unknown): Promise<Called> => {
  const response = await fetch(url, body === undefined ? { method } : { method, body: textOf(body) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parse(text) }
}

/** Reads a streamed answer for a while, then hangs up. */
export const readFor = async (url: string, milliseconds: number) => {
  const controller = new AbortController()
  const response = await fetch(url, { signal: controller.signal })
  const timer = setTimeout(() => controller.abort(), milliseconds)
  let text = ""
  try {
    for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk)
  } catch {
    return { status: response.status, text, ended: false }
  } finally {
    clearTimeout(timer)
  }
  return { status: response.status, text, ended: true }
}

export const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
