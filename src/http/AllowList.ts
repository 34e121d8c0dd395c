import { isIP } from "node:net"
import { Either } from "effect"

/** What an operator has said may be connected to although it isn't public. */
export interface AllowList {
  /** As a URL spells it, lower case, IPv6 in brackets; without a port: any. */
  readonly hosts: ReadonlyArray<{ readonly host: string; readonly port?: number }>
  /** `address/prefix` */
  readonly networks: ReadonlyArray<string>
}

export const nothingAllowed: AllowList = { hosts: [], networks: [] }

/** A comma list of `host`, `host:port`, addresses and CIDR networks. */
export const parseAllowList = (text: string): Either.Either<AllowList, string> => {
  const entries = text
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
  const wrong = entries.find((entry) => parseNetwork(entry) === undefined && parseHost(entry) === undefined)
  if (wrong !== undefined) {
    return Either.left(`must be hosts, host:port or networks as 10.0.0.0/8, with commas between; "${wrong}" is none`)
  }
  return Either.right({
    networks: entries.flatMap((entry) => parseNetwork(entry) ?? []),
    hosts: entries.flatMap((entry) => parseHost(entry) ?? [])
  })
}

/** A bare address is the network of it alone. */
const parseNetwork = (entry: string): string | undefined => {
  const [address = "", prefix, ...rest] = entry.split("/")
  const family = isIP(address)
  if (family === 0 || rest.length > 0 || address.includes("%")) return undefined
  const most = family === 4 ? 32 : 128
  if (prefix === undefined) return `${address}/${most}`
  return /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= most ? entry : undefined
}

const parseHost = (entry: string): AllowList["hosts"][number] | undefined => {
  if (isIP(entry) !== 0) return undefined
  const [, written = "", digits] =
    /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?)(?::([0-9]{1,5}))?$/.exec(entry) ?? []
  const url = `http://${written}/`
  const port = digits === undefined ? undefined : Number(digits)
  if (written === "" || !URL.canParse(url) || (port !== undefined && (port < 1 || port > 65_535))) return undefined
  const host = new URL(url).hostname
  return port === undefined ? { host } : { host, port }
}
