import { BlockList, isIP } from "node:net"

/**
 * Says what kind of address it is, if it is none that anybody on the Internet could have given out: such a target lies
 * behind the service, not in front of it. After IANA's registries of special-purpose addresses.
 */
export const specialAddress = (address: string): string | undefined => {
  const family = familyOf(address)
  if (family === undefined) return "no IP address"
  const kind = kinds.find(({ list }) => list.check(address, family))
  if (kind !== undefined) return kind.name
  return family === "ipv4" || global.check(address, family) ? undefined : "not globally reachable"
}

/** Whether the address lies in one of these networks. */
export const isIn = (networks: ReadonlyArray<string>, address: string): boolean => {
  const family = familyOf(address)
  return family !== undefined && listOf(networks).check(address, family)
}

const familyOf = (address: string): "ipv4" | "ipv6" | undefined => {
  const family = isIP(address)
  return family === 4 ? "ipv4" : family === 6 && !address.includes("%") ? "ipv6" : undefined
}

const listOf = (networks: ReadonlyArray<string>): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [address = "", prefix = ""] = network.split("/")
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? "ipv4" : "ipv6")
  }
  return list
}

/** An IPv4 network as an IPv6 client reaches it: mapped, or through a NAT64 gateway. Both connect to the very same host. */
const embedded = (network: string): ReadonlyArray<string> => {
  const [address = "", prefix = ""] = network.split("/")
  if (isIP(address) !== 4) return [network]
  const bits = 96 + Number(prefix)
  return [network, `::ffff:${address}/${bits}`, `64:ff9b::${address}/${bits}`]
}

const kind = (name: string, networks: ReadonlyArray<string>) => ({ name, list: listOf(networks.flatMap(embedded)) })

const kinds = [
  kind("an unspecified address", ["0.0.0.0/8", "::/128"]),
  kind("a loopback address", ["127.0.0.0/8", "::1/128"]),
  kind("a private address", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"]),
  kind("a carrier's private address", ["100.64.0.0/10"]),
  // Where clouds tell their machines' credentials, among others.
  kind("a link-local address", ["169.254.0.0/16", "fe80::/10"]),
  // Public by its number, but Azure's own service on every machine.
  kind("a cloud platform's own address", ["168.63.129.16/32"]),
  kind("a multicast address", ["224.0.0.0/4", "ff00::/8"]),
  // 6to4 and Teredo: they hold an IPv4 address of anybody's choice, and no receiver has one any more.
  kind("a tunnel's address", ["2002::/16", "2001::/32", "192.88.99.0/24", "64:ff9b:1::/48"]),
  kind("a reserved address", [
    "192.0.0.0/24",
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20"
  ])
]

/** Global unicast, and what reaches IPv4 hosts that are no kind of the above. */
const global = listOf(["2000::/3", "::ffff:0.0.0.0/96", "64:ff9b::/96"])
