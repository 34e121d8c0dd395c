import { type Rule, rank, rule } from "../Rule.ts"

const { explicit, network, specific, system } = rank

const unresolved = (found: (group: string) => string): string => {
  const host = (found("host") || found("other") || found("third")).replace(/\.+$/, "")
  return `The name ${host} does not resolve from the node: correct the host name, or see to the node's DNS and try again.`
}

/** Names, connections, certificates, and what a server answered. */
export const networkRules: ReadonlyArray<Rule> = [
  rule(
    "name-resolution",
    network + 2,
    /(?:could(?: not|n't)|unable to|failed to|failure) resolv(?:e|ing)(?: host(?:name)?(?: address)?:? ?[‘'"`]?(?<host>[A-Za-z0-9_.-]{1,200})| [‘'"`]?(?<other>[A-Za-z0-9_-]{1,80}\.[A-Za-z0-9_.-]{1,150}))|bad address [‘'"`](?<third>[A-Za-z0-9_.-]{1,200})/i,
    unresolved
  ),
  rule(
    "name-resolution",
    network + 2,
    /getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?<host>[A-Za-z0-9_.-]{1,200})|lookup (?<other>[A-Za-z0-9_.-]{1,200})(?: on \S{1,60})?: (?:no such host|server misbehaving|i\/o timeout|temporary failure)|dial tcp: lookup (?<third>[A-Za-z0-9_.-]{1,200})/,
    unresolved
  ),
  rule(
    "name-resolution",
    network + 1,
    /temporary failure in name resolution|name or service not known|no such host\b|nodename nor servname|\bENOTFOUND\b|\bEAI_AGAIN\b|NameResolutionError|Name does not resolve|name resolution failed|could not resolve host|UnknownHostException|No address associated with hostname|DNS (?:lookup error|server returned|transient error)|no address for host|failed to lookup address|curl: \(6\)|getaddrinfo failed/i
  ),
  rule(
    "tls-verification",
    network + 3,
    /certificate verify failed|problem confirming the ssl certificate|NO_CERTIFICATE_OR_CRL_FOUND|error setting certificate|certificate verification failed|SSL certificate problem|server certificate verification failed|x509: certificate|tls: failed to verify|unable to get local issuer certificate|unable to verify the first certificate|self[- ]signed certificate|certificate has expired|CERT_HAS_EXPIRED|SELF_SIGNED_CERT|UNABLE_TO_(?:GET_ISSUER|VERIFY)|DEPTH_ZERO_SELF_SIGNED|ERR_TLS_CERT_ALTNAME|SSLCertVerificationError|cannot verify .{1,100}'s certificate|unable to locally verify the issuer|PKIX path building failed|curl: \((?:35|51|60|77)\)|SSL: (?:no alternative|certificate)|certificate is not (?:valid|trusted)|The certificate (?:is NOT trusted|issuer is unknown)|tls_process_server_certificate|SSL_ERROR_SSL|wrong version number|TLS: server certificate not trusted|InvalidCertificate|certificate required|first record does not look like a TLS handshake|gave HTTP response to HTTPS client/i
  ),
  rule(
    "network-unreachable",
    network,
    /(?:connect(?:ion)?|dial tcp|connecting) (?:to |tcp )?(?:server at |host )?[["'`]?(?<address>[A-Za-z0-9_.-]{1,200}(?::|["']?,? port )\d{1,5})\b.{0,100}(?:refused|timed out|unreachable|i\/o timeout|no route|couldn't connect|could not connect)/i,
    "Nothing answers at {address} from where this ran: start or name the right server, or try again when it was only away."
  ),
  rule(
    "network-unreachable",
    network,
    /connect (?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH) (?<address>\S{1,100})/,
    "Nothing answers at {address} from where this ran: start or name the right server, or try again when it was only away."
  ),
  rule(
    "network-unreachable",
    network - 1,
    /connection refused|connection timed out|connection reset by peer|network is unreachable|no route to host|host is unreachable|\bECONNREFUSED\b|\bECONNRESET\b|\bETIMEDOUT\b|\bEHOSTUNREACH\b|\bENETUNREACH\b|\bESOCKETTIMEDOUT\b|connect timed out|read timed out|ConnectTimeout|ReadTimeout|i\/o timeout|failed to connect to|could not connect to|couldn't connect to|unable to connect to|ConnectionRefusedError|ConnectionError\b|NewConnectionError|Max retries exceeded with url|Failed to establish a new connection|temporary error \(try again later\)|curl: \((?:5|7|28|52|56)\)|Could not connect to server|remote end closed connection|context deadline exceeded|socket hang up|connection closed by|connection was (?:aborted|closed)|Unable to fetch some archives|TLS handshake timeout|unexpected EOF|fetch failed|network error|Network unreachable|unable to access '(?:https?|git):/i
  ),
  rule(
    "network-unreachable",
    specific + 1,
    /(?:HTTP(?:\/[\d.]+)?|error|status(?: code)?|returned error|responded with|server returned|- ) ?:? ?(?<code>429|50[0-4])\b(?: |:|$).{0,60}(?:too many requests|internal server error|bad gateway|service unavailable|gateway time-?out)|returned error: (?<other>429|50\d)/i,
    "The server answered an error of its own (5xx or 429): try again, and name a mirror when it lasts.",
    { retryable: true }
  ),
  rule(
    "file-missing",
    system + 3,
    /(?:ERROR 404: Not Found|HTTP\/[\d.]+ 404|requested URL returned error: 404|HTTP Error 404|HTTP error 404|server returned error: HTTP\S{0,5} 404)/i,
    "The address that is downloaded answers 404: correct the URL or the version in it."
  ),
  rule(
    "permission-denied",
    system + 3,
    /(?:ERROR 40[13]: (?:Forbidden|Unauthorized)|HTTP\/[\d.]+ 40[13]|requested URL returned error: 40[13]|HTTP Error 40[13]|server returned error: HTTP\S{0,5} 40[13])/i,
    "The server refuses the download without (or with these) credentials: give the build what it needs to log in, or use an address that is open."
  ),
  rule(
    "registry-authentication",
    explicit - 1,
    /unauthorized: authentication required|no basic auth credentials|denied: requested access to the resource is denied|invalid username\/password|pull access denied/i
  ),
  rule(
    "git-authentication",
    network + 4,
    /could not read (?:username|password) for|fatal: authentication failed for|Permission denied \(publickey|terminal prompts disabled|remote: (?:HTTP Basic: Access denied|Invalid username or (?:password|token))|Host key verification failed/i
  ),
  rule(
    "git-repository-missing",
    network + 4,
    /^(?:remote: |ERROR: |fatal: )(?:Repository not found|repository '[^']{1,200}' not found)|does not appear to be a git repository/i
  ),
  rule(
    "git-ref-missing",
    network + 4,
    /remote branch (?<ref>\S{1,200}) not found in upstream|couldn't find remote ref (?<other>\S{1,200})|pathspec '(?<third>[^']{1,200})' did not match any file/i,
    (found) =>
      `The repository has no ref ${found("ref") || found("other") || found("third")}: name a branch, tag or commit that it has.`
  )
]
