import type { BuildJob } from "./BuildJob.ts"
import { type FieldError, fieldError } from "./FieldError.ts"
import type { Policy } from "./Policy.ts"
import { vaultPathFaults } from "./vaultPathFaults.ts"
import { policyRoles } from "./vaultRoles.ts"

/** What a job may not ask of Vault here, by what its operator has set. */
export const vaultFaults = (
  job: BuildJob,
  policy: Pick<Policy, "vaultPaths" | "vaultPolicyRoles">
): ReadonlyArray<FieldError> => {
  const roles = policyRoles(job.test?.vault_policies ?? [], policy.vaultPolicyRoles)
  return [
    ...vaultPathFaults(job, policy.vaultPaths),
    ...(roles.length > 1
      ? [
          fieldError(
            ["test", "vault_policies"],
            `must belong to one Vault role, and these belong to ${roles.join(" and ")}; split the tests into two jobs, or ask for a role that has them all`
          )
        ]
      : [])
  ]
}
