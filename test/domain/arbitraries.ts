import { FastCheck as fc } from "effect"

export const jobId = fc.uuid()

const word = fc.stringMatching(/^[a-z0-9]{1,12}$/)

const component = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom(".", "_", "__", "-", "--"), word), { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest.flat()].join(""))

export const imageName = fc.array(component, { minLength: 1, maxLength: 2 }).map((parts) => parts.join("/"))

const port = fc.integer({ min: 1, max: 65_535 }).map((number) => `:${number}`)

const host = fc.oneof(
  fc.tuple(word, word).map(([name, domain]) => `${name}.${domain}`),
  fc.tuple(word, word, port).map(([name, domain, digits]) => `${name}-${domain}${digits}`),
  fc.constantFrom("localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "registry.example.com")
)

export const registryUrl = fc.oneof(
  host,
  fc.tuple(host, imageName).map((parts) => parts.join("/"))
)

export const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)

export const duration = fc.oneof(
  fc.integer({ min: 1, max: 604_800_000_000_000 }),
  fc.integer({ min: 1, max: 604_800 }).map((seconds) => `${seconds}s`),
  fc.constantFrom("30m", "1h30m", "1.5h", "500ms")
)

const given = { requiredKeys: [] }

export const limits = fc.record(
  {
    cpu: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 1_000_000 }).map(String)),
    memory: fc.oneof(fc.integer({ min: 10, max: 16_777_216 }), fc.integer({ min: 10, max: 16_777_216 }).map(String)),
    disk: fc.integer({ min: 10, max: 16_777_216 })
  },
  given
)

const variable = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/)
const printable = fc.string({ unit: "grapheme-ascii", maxLength: 30 })

const vaultPath = fc
  .array(fc.stringMatching(/^[a-z0-9_-]{1,8}$/), { maxLength: 4 })
  .map((parts) => ["secret", ...parts].join("/"))

const constraint = fc.oneof(
  fc.record({
    attribute: fc.constant("${attr.cpu.arch}"),
    operand: fc.constantFrom("=", "!=", "regexp", "version"),
    value: fc.constantFrom("amd64", "^a")
  }),
  fc.record({ attribute: fc.constant("${meta.gpu}"), operand: fc.constantFrom("is_set", "is_not_set") })
)

const test = fc.record(
  {
    commands: fc.array(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).map((text) => `true ${text}`.replaceAll("\0", "")),
      { maxLength: 4 }
    ),
    entry_point: fc.boolean(),
    env: fc.dictionary(
      variable.map((name) => `E_${name}`),
      printable,
      { maxKeys: 4 }
    ),
    vault_policies: fc.array(fc.constantFrom("default", "ci/read"), { minLength: 1, maxLength: 2 }),
    resource_limits: limits,
    timeout: duration,
    gpu_required: fc.boolean(),
    gpu_count: fc.integer({ min: 0, max: 64 }),
    constraints: fc.array(constraint, { maxLength: 3 })
  },
  given
)

const secrets = fc
  .uniqueArray(variable, { minLength: 1, maxLength: 3 })
  .chain((names) =>
    fc.tuple(...names.map((name) => fc.record({ path: vaultPath, fields: fc.constant({ field: `V_${name}` }) })))
  )

const testWithSecrets = fc
  .tuple(test, secrets)
  .map(([given, vault_secrets]) => ({ vault_policies: ["ci"], ...given, vault_secrets }))

/** Jobs that are accepted, in every spelling of a value that the schema itself knows. */
export const validJob = fc.record(
  {
    owner: fc.constantFrom("team-a", "Ünïcode Team", "a@example.com"),
    repo_url: fc.constantFrom(
      "https://git.example.com/a/b.git",
      "ssh://git@host:22/x",
      "git@host:a/b",
      "file:///srv/x.git"
    ),
    git_ref: fc.constantFrom("main", "refs/tags/v1", "0123456789abcdef0123456789abcdef01234567", "feature/x#1"),
    dockerfile_path: fc.constantFrom("Dockerfile", "my app/Dockerfile"),
    dockerfile_context: fc.constantFrom(".", "myapp/"),
    image_name: imageName,
    registry_url: registryUrl,
    image_tags: fc.array(tag, { maxLength: 16 }),
    git_credentials_path: vaultPath,
    registry_credentials_path: vaultPath,
    test: fc.oneof(test, testWithSecrets),
    resource_limits: fc
      .tuple(limits, fc.record({ build: limits, test: limits, publish: limits }, given))
      .map(([global, phases]) => ({ ...global, ...phases })),
    build_timeout: duration,
    clear_cache: fc.boolean(),
    webhook_url: fc.webUrl({ validSchemes: ["http", "https"] }),
    webhook_secret: printable.filter((text) => text !== ""),
    webhook_on_success: fc.boolean(),
    webhook_on_failure: fc.boolean(),
    webhook_headers: fc.dictionary(fc.stringMatching(/^X-[a-z]{1,8}$/), fc.constantFrom("", "a b", "~"), {
      maxKeys: 3
    }),
    deploy_dir: fc.constantFrom("./deploy", "/tmp/x")
  },
  { requiredKeys: ["owner", "repo_url", "image_name", "registry_url"] }
)
