/**
 * A Go regular expression as one of ours, `undefined` when it is none.
 *
 * The two dialects agree in what constraints use; leading flags like `(?i)` are the one difference that is translated.
 */
export const goRegExp = (pattern: string): RegExp | undefined => {
  const flags = /^\(\?([ims]+)\)/.exec(pattern)
  try {
    return new RegExp(flags === null ? pattern : pattern.slice(flags[0].length), flags?.[1] ?? "")
  } catch {
    return undefined
  }
}
