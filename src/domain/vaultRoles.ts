/** The role that an operator has given a policy: a step logs in to Vault as one role, and has all of its policies. */
export type VaultPolicyRoles = Readonly<Record<string, string>>

/** The roles that these policies stand for, each once; none where an operator has given them none. */
export const policyRoles = (policies: ReadonlyArray<string>, roles: VaultPolicyRoles): ReadonlyArray<string> =>
  [...new Set(policies.flatMap((policy) => (Object.hasOwn(roles, policy) ? [roles[policy]] : [])))].filter(
    (role) => role !== undefined
  )
