import { Context } from "effect"

/** What somebody may do. `read`: see jobs; `submit`: also make, kill and retry them; `admin`: everything, for all owners. */
export type Role = "read" | "submit" | "admin"

/** Who a request comes from, once that is known. */
export interface CallerView {
  /** For logs and limits; never a secret. */
  readonly name: string
  readonly role: Role
  /** Owners whose jobs it may see and touch; `all` without authentication. */
  readonly owners: "all" | ReadonlySet<string>
}

/** Without authentication everybody may do everything: that is for the network to limit. */
export const anybody: CallerView = { name: "anybody", role: "admin", owners: "all" }

export class Caller extends Context.Reference<Caller>()("jobforge/server/Caller", {
  defaultValue: (): CallerView => anybody
}) {}

export const maySee = ({ owners, role }: CallerView, owner: string | undefined): boolean =>
  owners === "all" || role === "admin" || (owner !== undefined && owners.has(owner))

export const mayChange = (caller: CallerView, owner: string | undefined): boolean =>
  caller.role !== "read" && maySee(caller, owner)
