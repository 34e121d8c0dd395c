import { Order, Schema } from "effect"
import { tagPattern } from "../../domain/ImageReference.ts"

const Count = Schema.Int.pipe(Schema.between(0, Number.MAX_SAFE_INTEGER - 1))

/** The version of what a folder builds. */
export const Version = Schema.Struct({ major: Count, minor: Count, patch: Count })
export type Version = typeof Version.Type

export const firstVersion: Version = { major: 0, minor: 0, patch: 0 }

export const nextPatch = (version: Version): Version => ({ ...version, patch: version.patch + 1 })

/** `X.Y.Z` */
export const formatVersion = ({ major, minor, patch }: Version): string => `${major}.${minor}.${patch}`

/** `vX.Y.Z` */
export const versionTag = (version: Version): string => `v${formatVersion(version)}`

/** `<branch>-vX.Y.Z`, or `vX.Y.Z` where nothing of the branch's name can stand in a tag. */
export const branchTag = (branch: string, version: Version): string => {
  const tag = versionTag(version)
  // What a tag can't begin with, or has no room for, is no reason not to build.
  const prefix = sanitiseBranch(branch)
    .replace(/^[.-]+/, "")
    .slice(0, maximumTagLength - tag.length - 1)
    .replace(/-+$/, "")
  const whole = `${prefix}-${tag}`
  return prefix !== "" && tagPattern.test(whole) ? whole : tag
}

/** A branch's name in the characters of a tag. */
export const sanitiseBranch = (branch: string): string =>
  branch.replaceAll(/[^A-Za-z0-9.-]/gu, "-").replaceAll(/^-+|-+$/g, "")

/** Older ones first. */
export const byAge: Order.Order<Version> = Order.combineAll([
  Order.mapInput(Order.number, ({ major }: Version) => major),
  Order.mapInput(Order.number, ({ minor }: Version) => minor),
  Order.mapInput(Order.number, ({ patch }: Version) => patch)
])

const maximumTagLength = 128
