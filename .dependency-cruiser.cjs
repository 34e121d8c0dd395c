/** Arrows may only point down this list: a layer imports the ones before it, never one after it. */
const layers = [
  "domain",
  "(api|diagnosis|metrics|redaction)",
  "(client|http)",
  "(consul|nomad|vault|jobspec)",
  "(store|leader)",
  "webhooks",
  "(controller|server)",
  "embedded",
  "(cli|commands)"
]
const above = (index) => `^src/(${layers.slice(index + 1).join("|")})/`
const outsideAdapters = "^src/(domain|api|diagnosis|redaction|consul|nomad|vault|jobspec|store|leader|webhooks|controller)/"
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "domain-is-pure",
      comment: "node:crypto is allowed for hashing, js-yaml for parsing: deterministic, no I/O",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { pathNot: ["^src/domain/", "node_modules/(effect|js-yaml)/", "^(node:)?crypto$"] }
    },
    {
      name: "metrics-measure-whatever-they-are-told",
      severity: "error",
      from: { path: "^src/metrics/" },
      to: { pathNot: ["^src/metrics/", "node_modules/(effect|prom-client)/"] }
    },
    {
      name: "the-core-does-no-io-of-its-own",
      severity: "error",
      from: { path: outsideAdapters },
      to: { path: "(@effect/platform-node|undici|^(node:)?(http|https|net|fs|fs/promises|child_process|path|os)$)" }
    },
    {
      name: "embedded-servers-know-no-build-job",
      comment: "they see only what is posted to them",
      severity: "error",
      from: { path: "^src/embedded/" },
      to: { path: "^src/(domain|jobspec|store|leader|controller|server)/" }
    },
    {
      name: "controller-and-server-meet-in-the-store",
      severity: "error",
      from: { path: "^src/(controller|server)/" },
      to: { path: "^src/(controller|server)/", pathNot: ["^src/$1/"] }
    },
    ...layers.slice(0, -1).map((layer, index) => ({
      name: `${layer.replace(/\W+/g, "-")}-does-not-look-up`,
      severity: "error",
      from: { path: `^src/${layer}/` },
      to: { path: above(index) }
    }))
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.src.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"]
    }
  }
}
