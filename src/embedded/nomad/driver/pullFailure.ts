import { DriverError } from "../TaskDriver.ts"

/**
 * What Nomad's docker driver reports when docker can't pull, made from what buildah says.
 *
 * Texts follow docker's, since operators and programs look for its words: `manifest unknown`, `unauthorized`,
 * `connection refused`. Only a missing image is beyond retrying.
 */
export const pullFailure = (image: string, stderr: string, hasLogin: boolean): DriverError => {
  const text = stderr.replaceAll('\\"', '"')
  if (/manifest unknown|name unknown|repository name not known/.test(text)) {
    return new DriverError({
      message: `Failed to pull \`${image}\`: API error (404): manifest for ${image} not found: manifest unknown: manifest unknown`,
      recoverable: false
    })
  }
  return new DriverError({
    message: `Failed to pull \`${image}\`: API error (500): ${reason(text, hasLogin)}`,
    recoverable: true
  })
}

const reason = (text: string, hasLogin: boolean): string => {
  if (/unauthorized|authentication required|401/.test(text)) {
    return hasLogin ? "unauthorized: authentication required" : "no basic auth credentials"
  }
  const request = /Get "[^"]*": .*$/m.exec(text)?.[0]
  return (request ?? text.trimEnd().split("\n").at(-1) ?? "").replace(/^Error: /, "").replace(/"$/, "")
}
