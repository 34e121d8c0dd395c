import { type BlindCase, text } from "./BlindCase.ts"

const page = text`
  FROM BASE/busybox:1.35
  RUN mkdir -p /srv
`
const slow = text`
  FROM BASE/busybox:1.35
  RUN echo "building the search index"; sleep 120
`

/** What a status says and no log does, or whose log says nothing of the cause. */
export const statusCases: ReadonlyArray<BlindCase> = [
  {
    name: "constraint-nobody-meets",
    label: "unplaceable",
    phase: "test",
    project: "notes",
    note: "a constraint that no node meets",
    dockerfile: page,
    test: { commands: ["true"], constraints: [{ attribute: "${attr.kernel.name}", operand: "=", value: "plan9" }] },
    settings: { unplaced_grace: "4s" }
  },
  {
    name: "memory-nobody-has",
    label: "unplaceable",
    phase: "build",
    project: "notes",
    note: "more memory than any node has",
    dockerfile: page,
    record: () => ({ resource_limits: { build: { memory: "4000000" } } }),
    settings: { unplaced_grace: "4s" }
  },
  {
    name: "queue-too-long",
    label: "queue-timeout",
    also: ["unplaceable"],
    phase: "build",
    project: "notes",
    note: "no room for longer than a step may wait in the queue",
    dockerfile: page,
    record: () => ({ resource_limits: { build: { cpu: "900000" } } }),
    settings: { unplaced_grace: "1h", queue_timeout: "4s" }
  },
  {
    name: "secret-not-there",
    label: "secret-missing",
    phase: "test",
    project: "notes",
    note: "a test wants a secret that nobody has stored",
    dockerfile: page,
    test: {
      commands: ["true"],
      vault_policies: ["teams-web"],
      vault_secrets: [{ path: "secret/data/teams/web/stripe", fields: { key: "STRIPE_KEY" } }]
    },
    settings: { start_grace: "4s" }
  },
  {
    name: "git-secret-not-there",
    label: "secret-missing",
    also: ["git-authentication"],
    phase: "build",
    project: "notes",
    note: "the record's Git credentials are not in the store",
    dockerfile: page,
    record: () => ({ git_credentials_path: "secret/data/teams/web/deploy-key" }),
    settings: { start_grace: "4s" }
  },
  {
    name: "record-with-faults",
    label: "invalid-spec",
    phase: "build",
    project: "notes",
    note: "a record with a mistyped field",
    dockerfile: page,
    record: () => ({ test_comands: ["true"] })
  },
  {
    name: "record-changed",
    label: "superseded",
    also: ["cancelled"],
    phase: "build",
    project: "notes",
    note: "another record wants the same image tag and supersedes this one",
    dockerfile: slow,
    record: () => ({ image_name: "corpus/contended" }),
    meanwhile: async (surroundings, name) => {
      await surroundings.running(name, "BUILDING")
      await surroundings.putRecord("rival", {
        owner: "web",
        repo_url: `${surroundings.git}/notes.git`,
        git_ref: "record-changed",
        image_name: "corpus/contended",
        registry_url: surroundings.registry,
        on_conflict: "supersede"
      })
    }
  },
  {
    name: "killed-by-its-owner",
    label: "cancelled",
    phase: "build",
    project: "notes",
    note: "somebody asks for the job's end while it builds",
    dockerfile: slow,
    record: () => ({ image_name: "corpus/killed" }),
    meanwhile: async (surroundings, name) => {
      const { jobId } = await surroundings.running(name, "BUILDING")
      await surroundings.request("kill", jobId)
    }
  },
  {
    name: "tag-held-by-another",
    label: "slot-taken",
    phase: "build",
    project: "notes",
    note: "another run holds the tag and the record says to fail then",
    dockerfile: slow,
    record: () => ({ image_name: "corpus/held", on_conflict: "reject" }),
    before: async (surroundings) => {
      await surroundings.deleteRecord("rival")
      await surroundings.putRecord("holder", {
        owner: "web",
        repo_url: `${surroundings.git}/notes.git`,
        git_ref: "tag-held-by-another",
        image_name: "corpus/held",
        registry_url: surroundings.registry
      })
      await surroundings.running("holder", "BUILDING")
    }
  },
  {
    name: "stopped-by-a-stranger",
    label: "infrastructure",
    also: ["cancelled"],
    phase: "build",
    project: "notes",
    note: "an operator stops the Nomad job behind the service's back",
    dockerfile: slow,
    record: () => ({ image_name: "corpus/stopped" }),
    before: (surroundings) => surroundings.deleteRecord("holder"),
    meanwhile: async (surroundings, name) => {
      const { nomadId } = await surroundings.running(name, "BUILDING")
      await surroundings.stopNomadJob(nomadId)
    }
  },
  {
    name: "job-took-too-long",
    label: "timeout",
    phase: "build",
    project: "notes",
    note: "the limit of the whole job passes while it builds",
    dockerfile: slow,
    record: () => ({ image_name: "corpus/slow" }),
    settings: { job_timeout: "10s" }
  }
]
