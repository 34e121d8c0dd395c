import { defaultSpecSettings } from "../jobspec/SpecSettings.ts"
import { knob } from "./Knob.ts"
import { flag, list, policyRoles, string, vaultMount } from "./knobParsers.ts"

/** How steps come to their secrets. */
export const vaultKnobs = {
  vault: knob(
    "VAULT_ENABLED",
    "vault/enabled",
    "true",
    flag,
    "Give steps that need secrets a Vault block; false for an engine that fills in secrets by itself"
  ),
  vaultRole: knob(
    "VAULT_ROLE",
    "vault/role",
    defaultSpecSettings.vaultRole ?? "",
    string,
    "Vault role of the steps; empty: Nomad's default"
  ),
  vaultPolicyRoles: knob(
    "VAULT_POLICY_ROLES",
    "vault/policy_roles",
    "",
    policyRoles,
    "Vault role of tests by the policies that they name (comma list of policy=role), for Nomad 1.10 and later; a policy that isn't here leaves VAULT_ROLE"
  ),
  vaultPolicies: knob(
    "VAULT_POLICIES",
    "vault/policies",
    defaultSpecSettings.vaultPolicies.join(","),
    list,
    "Vault policies of steps that name none; Nomad 1.10 and later go by the role alone"
  ),
  vaultMount: knob(
    "VAULT_MOUNT",
    undefined,
    defaultSpecSettings.vaultMount,
    vaultMount,
    "KV engine of version 2 that paths without one (nomad/jobs/x) lie in"
  )
} as const
