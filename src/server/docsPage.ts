import { Option, Predicate, Schema } from "effect"

/** The interface for people, from its OpenAPI document: one page that needs nothing from anywhere else. */
export const docsPage = (openApi: object): string => {
  const { components, info, paths } = decode(openApi)
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  )
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(info.title)}</title>`,
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head><body>`,
    `<h1>${escape(info.title)} <small>${escape(info.version)}</small></h1>`,
    `<p>${escape(info.description ?? "")} The same as OpenAPI 3.1: <a href="/openapi.json">/openapi.json</a>.</p>`,
    notes,
    `<h2>Endpoints</h2><ul>${operations.map(contents).join("")}</ul>`,
    ...operations.map(section),
    "<h2>Schemas</h2>",
    ...Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema)),
    "</body></html>\n"
  ].join("\n")
}

const Content = Schema.Record({ key: Schema.String, value: Schema.Struct({ schema: Schema.Unknown }) })

const Operation = Schema.Struct({
  operationId: Schema.String,
  summary: Schema.optional(Schema.String),
  description: Schema.optional(Schema.String),
  parameters: Schema.optionalWith(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        in: Schema.String,
        required: Schema.Boolean,
        schema: Schema.Unknown,
        description: Schema.optional(Schema.String)
      })
    ),
    { default: () => [] }
  ),
  requestBody: Schema.optional(Schema.Struct({ content: Content })),
  responses: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({ description: Schema.String, content: Schema.optional(Content) })
  })
})

const Document = Schema.Struct({
  info: Schema.Struct({
    title: Schema.String,
    version: Schema.String,
    description: Schema.optional(Schema.String)
  }),
  paths: Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Operation }) }),
  components: Schema.Struct({ schemas: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
})

/** Our own document: one of another shape is a bug. */
const decode = Schema.decodeUnknownSync(Document)

interface Entry {
  readonly path: string
  readonly method: string
  readonly operation: typeof Operation.Type
}

const contents = ({ method, operation, path }: Entry): string =>
  `<li><a href="#${operation.operationId}"><code>${method} ${escape(path)}</code></a> ${escape(operation.summary ?? "")}</li>`

const section = ({ method, operation, path }: Entry): string => {
  const { description, operationId, parameters, requestBody, responses, summary } = operation
  return [
    `<section id="${operationId}"><h3><code>${method} ${escape(path)}</code></h3>`,
    `<p><b>${escape(summary ?? "")}</b> ${escape(description ?? "")}</p>`,
    parameters.length === 0
      ? ""
      : table(
          ["Parameter", "In", "Type", "Meaning"],
          parameters.map((one) => [
            `<code>${escape(one.name)}</code>${one.required ? " *" : ""}`,
            one.in,
            typeOf(one.schema),
            escape(one.description ?? descriptionOf(one.schema))
          ])
        ),
    requestBody === undefined ? "" : `<p>Body: ${contentType(requestBody.content)}</p>`,
    table(
      ["Status", "Answer", ""],
      Object.entries(responses).map(([status, response]) => [
        status,
        response.content === undefined ? "–" : contentType(response.content),
        escape(response.description)
      ])
    ),
    `<pre>${escape(example(method, path, operationId))}</pre></section>`
  ].join("")
}

const contentType = (content: typeof Content.Type): string =>
  Object.entries(content)
    .map(([type, { schema }]) => (type === "application/json" ? typeOf(schema) : `<code>${escape(type)}</code>`))
    .join(", ")

const example = (method: string, path: string, operationId: string): string => {
  const url = `"$JOBFORGE${path.replace("{id}", "$ID")}"`
  if (method === "GET") return `curl ${operationId === "events" ? "-N " : ""}${url}${queries[operationId] ?? ""}`
  const body = bodies[operationId]
  return `curl -X ${method} ${url}${body === undefined ? "" : ` -H 'Content-Type: application/json' -d '${body}'`}`
}

const submission =
  '{"job_config": {"owner": "team-a", "repo_url": "https://git.example.com/team-a/app.git", "image_name": "team-a/app", "image_tags": ["latest"], "registry_url": "registry.example.com:5000", "test": {"entry_point": true}}}'

const byId = '{"job_id": "550e8400-e29b-41d4-a716-446655440000"}'

const bodies: Readonly<Record<string, string>> = {
  submitJob: submission,
  postJob: submission,
  getStatus: byId,
  getLogs: byId,
  killJob: byId,
  retryJob: byId,
  purgeFailedJob: byId,
  cleanup: byId,
  getHistory: '{"limit": 10, "offset": 0}'
}

const queries: Readonly<Record<string, string>> = {
  readStatus: " -G -d wait=60s -d index=42",
  getJob: " -G -d wait=60s -d index=42",
  listJobs: " -G -d limit=10 -d status=BUILDING,TESTING"
}

const schemaSection = (name: string, schema: unknown): string => {
  const properties = member(schema, "properties")
  const required = member(schema, "required")
  const rows = Predicate.isRecord(properties)
    ? Object.entries(properties).map(([key, value]) => [
        `<code>${escape(key)}</code>${Array.isArray(required) && required.includes(key) ? " *" : ""}`,
        typeOf(value),
        escape(descriptionOf(value))
      ])
    : [["", typeOf(schema), ""]]
  return `<section id="schema-${escape(name)}"><h3>${escape(name)}</h3><p>${escape(descriptionOf(schema))}</p>${table(["Field", "Type", "Meaning"], rows)}</section>`
}

/** Nested objects deeper than this are only called so. */
const deepest = 3

const typeOf = (schema: unknown, depth = 0): string => {
  const reference = member(schema, "$ref")
  if (typeof reference === "string") {
    const name = escape(reference.split("/").at(-1) ?? "")
    return `<a href="#schema-${name}">${name}</a>`
  }
  const choices = member(schema, "anyOf")
  if (Array.isArray(choices)) return choices.map((choice: unknown) => typeOf(choice, depth)).join(" | ")
  const values = member(schema, "enum")
  if (Array.isArray(values)) return values.map((value) => `<code>${escape(String(value))}</code>`).join(" | ")
  const type = member(schema, "type")
  if (type === "array") return `${typeOf(member(schema, "items"), depth)}[]`
  const properties = member(schema, "properties")
  if (!Predicate.isRecord(properties) || depth >= deepest) return escape(typeof type === "string" ? type : "any")
  const members = Object.entries(properties).map(([key, value]) => `${escape(key)}: ${typeOf(value, depth + 1)}`)
  return `{ ${members.join(", ")} }`
}

const descriptionOf = (schema: unknown): string =>
  Option.getOrElse(Option.liftPredicate(member(schema, "description"), Predicate.isString), () => "")

const member = (value: unknown, name: string): unknown => (Predicate.isRecord(value) ? value[name] : undefined)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  `<table><tr>${head.map((cell) => `<th>${cell}</th>`).join("")}</tr>${rows
    .map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`)
    .join("")}</table>`

const notes = `<h2>In short</h2>
<ul>
<li>A job's id, or the name of its record in Consul KV, finds it everywhere. A reading changes nothing.</li>
<li>Errors are <code>{"error", "code", "details"}</code>; <code>code</code> is the HTTP status. 503 comes with <code>Retry-After</code>.</li>
<li>Wait instead of polling: <code>GET /json/job/{id}/status?wait=60s&amp;index=N</code>, with the <code>index</code> of the last answer; or follow <code>GET /json/job/{id}/events</code>.</li>
<li>Why it failed and what to do: <code>GET /json/job/{id}/diagnosis</code>.</li>
<li>Agents: MCP over streamable HTTP, and plain JSON-RPC 2.0, at <code>POST /mcp</code> and <code>POST /json</code>.</li>
<li>Logs as they come: WebSocket <code>/json/streamLogs?job_id=…</code>.</li>
<li>Everything below <code>/json</code> is also served below <code>/mcp</code>.</li>
</ul>`

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f4f4f4;padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #ddd;padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
section{border-top:1px solid #ddd}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8bf}pre{background:#222}td,th,section{border-color:#444}}`

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
