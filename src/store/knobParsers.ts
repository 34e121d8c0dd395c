import { Duration, Either, Option } from "effect"
import { parseGoDuration } from "../domain/GoDuration.ts"
import { isRegistryUrl } from "../domain/ImageReference.ts"
import { ownerPlaceholder } from "../domain/vaultPathFaults.ts"
import { isVaultPath } from "../domain/vaultReference.ts"
import type { VaultPolicyRoles } from "../domain/vaultRoles.ts"

export const duration = (text: string): Either.Either<number, string> =>
  Option.match(parseGoDuration(text), {
    onNone: () => Either.left("must be a duration as 30s, 15m or 1h30m"),
    onSome: (parsed) =>
      Duration.toMillis(parsed) > 0 ? Either.right(Duration.toMillis(parsed)) : Either.left("must be more than 0")
  })

export const integer =
  (least: number, most: number) =>
  (text: string): Either.Either<number, string> => {
    const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
    return number >= least && number <= most
      ? Either.right(number)
      : Either.left(`must be a whole number from ${least} to ${most}`)
  }

export const flag = (text: string): Either.Either<boolean, string> =>
  text === "true" || text === "false" ? Either.right(text === "true") : Either.left("must be true or false")

export const string = (text: string): Either.Either<string, string> => Either.right(text)

export const oneOf =
  <const A extends string>(...accepted: ReadonlyArray<A>) =>
  (text: string): Either.Either<A, string> => {
    const found = accepted.find((one) => one === text)
    return found === undefined ? Either.left(`must be one of ${accepted.join(", ")}`) : Either.right(found)
  }

export const list = (text: string): Either.Either<ReadonlyArray<string>, string> =>
  Either.right(
    text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "")
  )

export const vaultPrefixes = (text: string): Either.Either<ReadonlyArray<string>, string> =>
  Either.filterOrLeft(
    list(text),
    (prefixes) =>
      prefixes.every((prefix) => isVaultPath(prefix.replaceAll(ownerPlaceholder, "owner").replace(/\/$/, ""))),
    () => "must be Vault paths as secret/data/{owner}, parted by commas"
  )

/** `policy=role` */
export const policyRoles = (text: string): Either.Either<VaultPolicyRoles, string> => {
  const pairs = Either.getOrThrow(list(text)).map((item) =>
    /^([A-Za-z0-9._/:-]{1,128})=([A-Za-z0-9._-]{1,128})$/.exec(item)
  )
  const roles = pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? "", pair[2] ?? ""] as const]))
  return roles.length === pairs.length
    ? Either.right(Object.fromEntries(roles))
    : Either.left("must be policy=role, parted by commas, as payments=payments-tests,search=search-tests")
}

export const vaultMount = (text: string): Either.Either<string, string> =>
  isVaultPath(text.replace(/\/$/, ""))
    ? Either.right(text.replace(/\/$/, ""))
    : Either.left("must be the path of a KV engine as secret or team/kv")

export const registry = (text: string): Either.Either<string, string> =>
  text === "" || isRegistryUrl(text)
    ? Either.right(text)
    : Either.left("must be host[:port][/namespace], without https://")

export const dockerSize = (text: string): Either.Either<string, string> =>
  /^[1-9][0-9]{0,6}[kmg]$/.test(text) ? Either.right(text) : Either.left("must be a size as 10m or 1g")

/** Megahertz or megabytes. */
export const amount = integer(1, 10_000_000)

export const registryPath = (text: string): Either.Either<string, string> =>
  /^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/.test(text)
    ? Either.right(text)
    : Either.left("must be a path of lower-case letters and digits, joined by single . _ or -")

export const keyPrefix = (text: string): Either.Either<string, string> =>
  /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(text)
    ? Either.right(text)
    : Either.left("must be a path of letters, digits and . _ -, without / at its ends")

export const keyPrefixOrNone = (text: string): Either.Either<string, string> =>
  text === "" ? Either.right(text) : keyPrefix(text)
