import type { Manual } from "./Manual.ts"

const stopped = [
  [0, "stopped by SIGTERM or SIGINT"],
  [1, "it couldn't start, or go on; stderr says why"],
  [2, "wrong usage"]
] as const

export const serviceManual: Readonly<Record<string, Manual>> = {
  serve: {
    details: [
      "The controller and the HTTP interface in one process. Run as many as there are to be replicas: one of them leads, any of them answers. Settings come from the environment, and most of them from <prefix>/config/ in Consul, too; README.md lists them all."
    ],
    examples: [
      ["Against a cluster", "CONSUL_HTTP_ADDR=http://consul:8500 NOMAD_ADDR=http://nomad:4646 jobforge serve"],
      ["On another port, with more in the log", "SERVER_PORT=9090 LOG_LEVEL=debug jobforge serve"]
    ],
    exitCodes: stopped,
    environment: [
      [
        "CONSUL_HTTP_ADDR",
        "Consul; with CONSUL_HTTP_TOKEN, CONSUL_CACERT and the like, as Consul's own tools have them"
      ],
      ["NOMAD_ADDR", "Nomad; with NOMAD_TOKEN, NOMAD_CACERT and the like, as Nomad's own tools have them"],
      ["SERVER_HOST, SERVER_PORT", "where it listens"],
      ["CONSUL_KEY_PREFIX", "of its keys in Consul; jobforge-service when left out"]
    ]
  },
  dev: {
    details: [
      "Everything on one machine, to play with and to develop against: Consul and Nomad are embedded and speak the real ones' HTTP, builds run as processes of this machine. Nothing listens beyond 127.0.0.1."
    ],
    examples: [
      ["On the usual ports", "jobforge dev"],
      [
        "Beside another one",
        "jobforge dev --data /tmp/forge --port 8081 --consul-port 8501 --nomad-port 4647 --registry-port 5001"
      ],
      ["With a registry that runs already", "jobforge dev --registry 127.0.0.1:5000"],
      ["With secrets, as Vault would have them", "jobforge dev --secrets secrets.yaml"]
    ],
    exitCodes: stopped,
    environment: [
      ["CONSUL_HTTP_ADDR", "a real Consul, in place of the embedded one"],
      ["NOMAD_ADDR", "a real Nomad, in place of the embedded one"]
    ]
  }
}
