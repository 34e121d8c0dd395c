import { Either } from "effect"
import { readInRootfs } from "./rootfs.ts"

export interface ContainerUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: ReadonlyArray<number>
  readonly home: string
}

/** Looks a user up as docker does: a name or number, with or without a group, in the image's own passwd and group. */
export const containerUser = async (rootfs: string, user: string): Promise<Either.Either<ContainerUser, string>> => {
  const [name = "", group = ""] = (user === "" ? "0" : user).split(":")
  const accounts = fieldsOf(await readInRootfs(rootfs, "/etc/passwd")).map(toAccount)
  const groups = fieldsOf(await readInRootfs(rootfs, "/etc/group")).map(toGroup)
  const account =
    accounts.find((each) => each.name === name) ??
    accounts.find((each) => each.uid === toId(name)) ??
    nobodyIn(toId(name))
  if (account.uid === undefined) return Either.left(`unable to find user ${name}: no matching entries in passwd file`)
  const gid = group === "" ? account.gid : (groups.find((each) => each.name === group)?.gid ?? toId(group))
  if (gid === undefined) return Either.left(`unable to find group ${group}: no matching entries in group file`)
  // A group that is asked for by name replaces the user's groups.
  // Docker adds the group itself since CVE-2022-36109: else a file that denies it could be read by its members.
  const joined = group === "" ? groups.filter((each) => each.members.includes(account.name)) : []
  return Either.right({
    uid: account.uid,
    gid,
    additionalGids: [...new Set([gid, ...joined.map((each) => each.gid).filter((id) => id !== undefined)])],
    home: account.home
  })
}

/** A number without an entry is a user all the same, of root's group. */
const nobodyIn = (uid: number | undefined) => ({ name: "", uid, gid: 0, home: "/" })

const fieldsOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"))

const toAccount = ([name = "", , uid = "", gid = "", , home = ""]: ReadonlyArray<string>) => ({
  name,
  uid: toId(uid),
  gid: toId(gid),
  home: home === "" ? "/" : home
})

const toGroup = ([name = "", , gid = "", members = ""]: ReadonlyArray<string>) => ({
  name,
  gid: toId(gid),
  members: members.split(",").filter(Boolean)
})

const toId = (text: string): number | undefined => (/^\d{1,10}$/.test(text) ? Number(text) : undefined)
