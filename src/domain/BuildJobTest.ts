import { Schema } from "effect"
import { PhaseLimits } from "./BuildJobLimits.ts"
import {
  flag,
  isPrintable,
  isProcessText,
  list,
  map,
  mapKey,
  optional,
  required,
  text,
  typeFault
} from "./BuildJobText.ts"
import { Timeout } from "./BuildJobTimeout.ts"
import { isVaultPath } from "./vaultReference.ts"

/** The fields that the external test mode of earlier versions had. They are known, so that the refusal can say so. */
export const unsupportedTestFields: ReadonlyArray<string> = [
  "python_command",
  "python_cwd",
  "health_endpoint",
  "health_timeout",
  "container_port"
]

const constraintOperands = ["=", "!=", "regexp", ">=", "<=", ">", "<", "version", "is_set", "is_not_set"] as const

/** Operands that look at the attribute alone. */
export const unaryOperands: ReadonlyArray<string> = ["is_set", "is_not_set"]

/** Linux refuses a single argument or variable of 128 KiB. This leaves room for four-byte characters. */
const maximumTextLength = 32_768

const vaultPathRule = "of letters, digits and ._/@-, without a leading or doubled '/' and without '..'"

/**
 * A path can stand in a Vault template as it is, in any of the usual styles: `nomad/jobs/x`, `secret/nomad/jobs/x`
 * (what `vault kv` shows) and `secret/data/…` (what the API calls it).
 */
export const VaultPath = text({
  fault: (path) => {
    if (path === "") return "is required"
    return isVaultPath(path) ? undefined : `must be a Vault path ${vaultPathRule}`
  },
  // Empty is refused only where a path must be.
  jsonSchema: { pattern: "^(?:[A-Za-z0-9_][A-Za-z0-9._/@-]*)?$", maxLength: 512 }
})

/** What a shell and every runtime take as a variable's name. */
const environmentName = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/

const Environment = map(
  mapKey(environmentName, "a variable name of letters, digits and _, not starting with a digit"),
  text({
    fault: (value) =>
      isProcessText(value, maximumTextLength)
        ? undefined
        : `must have at most ${maximumTextLength} characters, none of them NUL or half a surrogate pair`
  }),
  256
)

/** An empty field or variable passes here: the rule that refuses it has a message of its own. */
const VaultFields = map(
  mapKey(/^[A-Za-z0-9._-]{0,128}$/, "a Vault field of at most 128 letters, digits and ._-"),
  text({
    fault: (name) =>
      (name === "" || environmentName.test(name)) && name !== "__proto__"
        ? undefined
        : "must be a variable name of letters, digits and _, not starting with a digit",
    jsonSchema: { pattern: environmentName.source }
  }),
  64
)

export const Command = text({
  fault: (command) => {
    if (command.trim() === "") return "must not be empty: it would test nothing and pass"
    return isProcessText(command, maximumTextLength)
      ? undefined
      : `must have at most ${maximumTextLength} characters, none of them NUL or half a surrogate pair`
  },
  jsonSchema: { minLength: 1, maxLength: maximumTextLength }
})

const Policy = text({
  fault: (name) =>
    /^[A-Za-z0-9_][A-Za-z0-9._/:-]{0,127}$/.test(name)
      ? undefined
      : "must be a Vault policy name of at most 128 letters, digits and ._/:-",
  jsonSchema: { pattern: "^[A-Za-z0-9_][A-Za-z0-9._/:-]{0,127}$" }
})

const VaultSecret = Schema.Struct({
  path: required(VaultPath, "Vault path of the secret, in the form of the KV v2 API: secret/data/…", {
    examples: ["secret/data/shop/db"]
  }),
  fields: required(VaultFields, "From the secret's field to the environment variable that gets its value.", {
    examples: [{ password: "DB_PASSWORD" }]
  })
}).annotations({ message: typeFault("an object with path and fields") })

const printable = (name: string, minimum: number) =>
  text({
    fault: (value) =>
      value.length >= minimum && isPrintable(value, 256)
        ? undefined
        : `must be ${name} of ${minimum} to 256 printable characters`,
    jsonSchema: { minLength: minimum, maxLength: 256 }
  })

const Constraint = Schema.Struct({
  attribute: required(
    printable("a node attribute such as ${attr.cpu.arch}", 1),
    "Node attribute, such as ${meta.zone}.",
    { examples: ["${attr.cpu.arch}"] }
  ),
  operand: optional(
    Schema.Literal(...constraintOperands).annotations({
      message: () => ({ message: `must be one of ${constraintOperands.join(" ")}`, override: true })
    }),
    "How the attribute is compared; = when left out.",
    { default: "=", examples: ["regexp"] }
  ),
  value: optional(
    printable("a text", 0),
    "What the attribute is compared with; is_set and is_not_set alone work when left out.",
    {
      examples: ["amd64"]
    }
  )
}).annotations({ message: typeFault("an object with attribute, operand and value") })

export const Test = Schema.Struct({
  commands: optional(list(Command, 64), "Shell commands, each run in a container of the built image, in parallel.", {
    default: [],
    examples: [["npm test", "npm run lint"]]
  }),
  entry_point: optional(flag, "Run the built image as it is; it passes when it exits with 0.", { default: false }),
  env: optional(Environment, "Environment of every test container.", { default: {}, examples: [{ NODE_ENV: "test" }] }),
  vault_policies: optional(list(Policy, 32), "Vault policies of the test containers; needed for vault_secrets.", {
    default: [],
    examples: [["shop-tests"]]
  }),
  vault_secrets: optional(list(VaultSecret, 32), "Secrets that the test containers get as environment variables.", {
    default: [],
    examples: [[{ path: "secret/data/shop/db", fields: { password: "DB_PASSWORD" } }]]
  }),
  resource_limits: optional(PhaseLimits, "Limits of each test container; those of resource_limits when left out."),
  timeout: optional(
    Timeout,
    "Limit of each test, as 15m or in nanoseconds; the service's TEST_TIMEOUT (15m) when left out."
  ),
  gpu_required: optional(flag, "Run only on nodes with a GPU, with the GPU runtime.", { default: false }),
  gpu_count: optional(
    Schema.Number.annotations({
      message: typeFault("a whole number from 0 to 64"),
      jsonSchema: { type: "integer", minimum: 0, maximum: 64 }
    }).pipe(
      Schema.filter(
        (count) => (Number.isInteger(count) && count >= 0 && count <= 64) || "must be a whole number from 0 to 64",
        {
          jsonSchema: {}
        }
      )
    ),
    "GPU devices to reserve; 0 reserves none and leaves the choice to the runtime.",
    { default: 0, examples: [1] }
  ),
  constraints: optional(list(Constraint, 32), "Which nodes may run the tests.", {
    default: [],
    examples: [[{ attribute: "${attr.cpu.arch}", value: "amd64" }]]
  })
}).annotations({ message: typeFault("an object") })
