/**
 * Where a request for a path that holds `//`, `.` or `..` is sent (301), as Go's ServeMux does before any handler of
 * Consul or Nomad sees it: the decoded path is judged, so an encoded `%2F%2F` counts too. `undefined`: it is clean.
 */
export const cleanLocation = (url: string): string | undefined => {
  const mark = url.indexOf("?")
  const raw = mark < 0 ? url : url.slice(0, mark)
  if (!suspicious.test(raw)) return undefined
  const path = decode(raw)
  const cleaned = clean(path)
  if (cleaned === path) return undefined
  return cleaned.split("/").map(encodeURIComponent).join("/") + (mark < 0 ? "" : url.slice(mark))
}

/** A cheap way past the common case: only such a path can need cleaning. */
const suspicious = /^[^/]|(?:\/|%2f)(?:\/|%2f|\.|%2e)/i

const decode = (raw: string): string => {
  try {
    return decodeURIComponent(raw)
  } catch {
    return raw
  }
}

const clean = (path: string): string => {
  const kept: Array<string> = []
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop()
    else if (segment !== "" && segment !== ".") kept.push(segment)
  }
  const folder = path.endsWith("/") && kept.length > 0
  return `/${kept.join("/")}${folder ? "/" : ""}`
}
