import { type ApiError, Conflict, Denied, Invalid, NotFound, Unavailable } from "../http/ApiError.ts"

/**
 * What a refusal of Nomad's means for the caller.
 *
 * The status alone doesn't tell: Nomad says 500 to an invalid job, to a lost race, to a denied event stream and when it
 * has no leader; 404 to a node that it can't reach just now. So the text decides first. A 500 that fits nothing counts
 * as `Unavailable`: a job that waits in vain shows Nomad's words, one that is refused in error is lost.
 */
export const apiErrorOf = (operation: string, status: number, body: string): ApiError => {
  const detail = body.trim().replaceAll(/\s+/gu, " ").slice(0, maxDetail) || `HTTP ${String(status)}`
  return new kinds[kindOf(status, body)]({ system: "nomad", operation, detail })
}

const maxDetail = 1000

const kinds = { Conflict, Denied, Invalid, NotFound, Unavailable }

type Kind = keyof typeof kinds

const kindOf = (status: number, body: string): Kind =>
  texts.find(([text]) => text.test(body))?.[1] ?? kindOfStatus(status, body)

// The order matters: the first ones quote what a user wrote, which may look like one of the later.
const texts: ReadonlyArray<readonly [RegExp, Kind]> = [
  [/Enforcing job modify index/u, "Conflict"],
  [
    /\d+ errors? occurred:|in nonexistent (?:namespace|node pool)|not enabled but used|requires Nomad Enterprise/u,
    "Invalid"
  ],
  [/Permission denied|ACL token (?:not found|expired|is invalid)|acl token lookup failed/u, "Denied"],
  [/No path to region|index error: /u, "Invalid"],
  [/no such file or directory|Unknown (?:allocation|node) "/u, "NotFound"],
  [
    /No path to node|not started yet|No cluster leader|not the leader|leadership lost|[Nn]ot ready to serve|rpc error/u,
    "Unavailable"
  ]
]

const kindOfStatus = (status: number, body: string): Kind => {
  if (status === 401 || status === 403) return "Denied"
  if (status === 404) return "NotFound"
  if (status === 409) return "Conflict"
  if (status === 408 || status === 429) return "Unavailable"
  if (status < 500) return "Invalid"
  return status === 500 && refusals.test(body) && !outages.test(body) ? "Invalid" : "Unavailable"
}

const outages = /timed out|timeout|deadline exceeded|connection re|broken pipe|\bEOF\b|session shutdown/u

// How Nomad's checks at registration word what they refuse, when it is a single thing.
const refusals = /\b(?:must|cannot|can't|invalid|missing|mismatched|exceeds|does not exist|not supported)\b/iu
