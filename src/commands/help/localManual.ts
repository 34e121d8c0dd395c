import type { Manual } from "./Manual.ts"

const version: Pick<Manual, "exitCodes" | "environment"> = {
  exitCodes: [
    [0, "done"],
    [1, "version.yaml can't be read or written"],
    [2, "wrong usage"]
  ],
  environment: []
}

export const localManual: Readonly<Record<string, Manual>> = {
  validate: {
    details: [
      "Reports every fault of every file as file:line:column: path: message, which editors and CI systems turn into links; how many there are stands on stderr. It asks nobody, so a repository or a secret that doesn't exist is no fault here. Values are never shown: they may be secrets.",
      "Warnings are for what the service accepts and somebody will be sorry for; they don't change the exit code."
    ],
    examples: [
      ["A file", "jobforge validate build.yaml"],
      ["All records of a repository, in CI", "jobforge validate records/"],
      ["As submit-job would take it", "jobforge validate --global deploy/global.yaml build.yaml"],
      ["What another program makes", "./render.sh | jobforge validate -"],
      ["For programs", "jobforge validate records/ -o json | jq -r '.files[] | select(.valid | not) | .file'"]
    ],
    exitCodes: [
      [0, "all files are valid"],
      [2, "a file is not, or can't be read; or wrong usage"]
    ],
    environment: []
  },
  explain: {
    details: [
      "Comes from the schema that the service itself decodes with. Fields are named by their path; positions in lists may be left out."
    ],
    examples: [
      ["All fields", "jobforge explain"],
      ["One field and what is in it", "jobforge explain test.vault_secrets"],
      ["All of it, as a tree", "jobforge explain --recursive"],
      ["A JSON Schema for an editor", "jobforge explain -o json > jobforge.schema.json"]
    ],
    exitCodes: [
      [0, "explained"],
      [2, "there is no such field; or wrong usage"]
    ],
    environment: [["COLUMNS", "how wide the text is where no terminal says; 80 when neither does"]]
  },
  completion: {
    details: [
      "Completes commands, options, their values, files, fields of explain and, where a service answers within a second, job ids."
    ],
    examples: [
      ["bash, from ~/.bashrc", "source <(jobforge completion bash)"],
      ["zsh, from ~/.zshrc after compinit", "source <(jobforge completion zsh)"],
      ["fish", "jobforge completion fish > ~/.config/fish/completions/jobforge.fish"]
    ],
    exitCodes: [
      [0, "written"],
      [2, "wrong usage"]
    ],
    environment: []
  },
  "version-info": {
    details: ["Shows <deploy-dir>/version.yaml and, inside a Git checkout, the branch and the tag that both make."],
    examples: [["What the next build counts from", "jobforge version-info"]],
    ...version
  },
  "version-major": {
    details: ["Sets the version to <number>.0.0."],
    examples: [["Version 2.0.0", "jobforge version-major 2"]],
    ...version
  },
  "version-minor": {
    details: ["Keeps the major version, sets the minor one and begins the patches at 0."],
    examples: [["From 1.4.7 to 1.5.0", "jobforge version-minor 5"]],
    ...version
  },
  sync: {
    details: [
      "Makes the records in Consul equal to a folder of YAML and JSON files: a file's path without its ending, behind the prefix, is its record's name. Every write is conditional on what was read. Who manages a record lies beside it, under managed/, so that the record stays the file byte for byte; what others wrote is left alone, unless --adopt says otherwise.",
      "Nothing is written while one of the files is invalid."
    ],
    examples: [
      ["What would change", "jobforge sync records/ --dry-run"],
      ["Make it so, deletions included", "jobforge sync records/ --prune"],
      ["A team's own part, from CI", "jobforge sync records/ --prefix team-a/ --manager team-a --prune"],
      ["Follow the folder", "jobforge sync records/ --watch"],
      ["Fail in CI when Consul isn't what Git says", "jobforge sync records/ --dry-run --exit-code"]
    ],
    exitCodes: [
      [0, "done; with --dry-run: shown"],
      [1, "a record was refused or couldn't be written; with --dry-run --exit-code: something would change"],
      [2, "a file is invalid: nothing was written; or wrong usage"],
      [5, "Consul can't be reached"]
    ],
    environment: [
      ["CONSUL_HTTP_ADDR", "Consul; http://127.0.0.1:8500 when left out"],
      ["CONSUL_HTTP_TOKEN", "the token for it; CONSUL_HTTP_TOKEN_FILE names a file with it"],
      ["CONSUL_KEY_PREFIX", "of the service's keys; jobforge-service when left out"]
    ]
  }
}
