import { assert, describe, it } from "@effect/vitest"
import {
  checkoutFileFault,
  checkoutPathFault,
  gitRefFault,
  localPathFault,
  repoUrlFault
} from "../../src/domain/BuildJobSource.ts"

describe("repoUrlFault", () => {
  it.each([
    "https://github.com/org/repo.git",
    "https://github.com/org/repo",
    "http://git.internal:3000/org/repo/",
    "https://dev.azure.com/org/my%20project/_git/repo",
    "git://git.kernel.org/pub/scm/git/git.git",
    "ssh://git@github.com/org/repo.git",
    "ssh://git@host.example.com:2222/~user/repo.git",
    "ssh://host/repo",
    "git@github.com:org/repo.git",
    "deploy_1@my-host.internal:/srv/git/repo.git",
    "git@[::1]:repo",
    "https://[2001:db8::1]:8443/x",
    "https://host/path@with-at/repo",
    "file:///srv/git/repo.git"
  ])("accepts %s", (url) => {
    assert.isUndefined(repoUrlFault(url))
  })

  it.each([
    "https://user:pw@github.com/org/repo",
    "https://token@github.com/org/repo",
    "HTTPS://token@github.com/org/repo",
    "git://user@host/repo",
    "ssh://git:pw@host/repo",
    "git:pw@host:repo",
    "https://:@host/repo"
  ])("refuses the credentials of %s and says where they belong", (url) => {
    assert.strictEqual(
      repoUrlFault(url),
      "must not hold credentials; put them in Vault and give their path as git_credentials_path"
    )
  })

  it.each([
    "repo",
    "/srv/git/repo",
    "./repo",
    "../repo",
    "--upload-pack=touch /tmp/x",
    "-oProxyCommand=x",
    "ext::sh -c touch% /tmp/x",
    "fd::17",
    "file://host/srv/repo",
    "file:///",
    "ftp://host/repo",
    "https://github.com",
    "https://github.com/",
    "https:///repo",
    "https://-host/repo",
    "ssh://-oProxyCommand=x/repo",
    "ssh://git@-oProxyCommand=x/repo",
    "ssh://-git@host/repo",
    "git@-host:repo",
    "git@host:-repo",
    "git@host::repo",
    "-git@host:repo",
    "host:repo",
    "https://host:0/repo",
    "https://host:65536/repo",
    "https://host/re po",
    "https://host/repo\n",
    "https://host/repo\u0000",
    "https://host/%0aHost:x",
    "https://host/%7f",
    "https://host/100%",
    "https://host/%zz",
    "https://host/$(id)",
    "https://host/`id`",
    "https://host/repo;id",
    "https://host/repo?x=1",
    "https://host/repo#x",
    "https://höst/repo",
    " https://host/repo",
    "javascript:alert(1)"
  ])("refuses %j", (url) => {
    assert.match(String(repoUrlFault(url)), /^must be an https:/)
  })

  it("requires one, of bounded length", () => {
    assert.strictEqual(repoUrlFault(""), "is required")
    assert.strictEqual(repoUrlFault(`https://host/${"x".repeat(2048)}`), "must have at most 2048 characters")
  })
})

describe("gitRefFault", () => {
  it.each([
    "main",
    "HEAD",
    "feature/a-b_c",
    "v1.2.3",
    "refs/heads/main",
    "refs/tags/v1",
    "refs/pull/12/merge",
    "0123456789abcdef0123456789abcdef01234567",
    "fix/#123",
    "a@b",
    "größe",
    "dependabot/npm/@types/node-20",
    "release-1.x"
  ])("accepts %s", (ref) => {
    assert.isUndefined(gitRefFault(ref))
  })

  it.each([
    "-x",
    "--upload-pack=x",
    "+main",
    "/main",
    "main/",
    "a//b",
    "a..b",
    "..",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
    "@",
    "a@{1}",
    "a b",
    "a\tb",
    "a\nb",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[b",
    "a\\b",
    "a\u0000",
    "a\u007f",
    "a\u202eb",
    "a\u2028b",
    "a\u00a0b",
    "\ud800",
    "x".repeat(251)
  ])("refuses %j", (ref) => {
    assert.match(String(gitRefFault(ref)), /^must be a branch, a tag/)
  })

  it("requires one where it is given", () => {
    assert.strictEqual(gitRefFault(""), "is required")
  })
})

describe("checkoutPathFault", () => {
  it.each([
    ".",
    "./",
    "subdir/",
    "myapp/Dockerfile",
    "my app/x",
    "a/b/c.Dockerfile",
    "Dockerfile@x",
    "größe",
    "./x",
    "a,b(c)=d~e+f"
  ])("accepts %s", (path) => {
    assert.isUndefined(checkoutPathFault(path))
  })

  it.each(["..", "../etc/passwd", "a/../../b", "a..b", "/../x"])("refuses %s as a traversal", (path) => {
    assert.strictEqual(checkoutPathFault(path), "cannot contain '..' (path traversal)")
  })

  it("refuses an absolute path", () => {
    assert.strictEqual(checkoutPathFault("/absolute/path"), "must be a relative path")
  })

  it.each([
    "-f",
    "--file=x",
    " x",
    "x ",
    "a:b",
    "https://host/x",
    String.raw`C:\x`,
    "$(id)",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    "'a'",
    '"a"',
    "a\nb",
    "a\u0000",
    "a\u202e",
    "a*",
    "x".repeat(513)
  ])("refuses %j", (path) => {
    assert.match(String(checkoutPathFault(path)), /^must be a path in the repository/)
  })

  it("requires one where it is given", () => {
    assert.strictEqual(checkoutPathFault(""), "is required")
  })
})

describe("checkoutFileFault", () => {
  it("refuses what can only be a folder", () => {
    assert.strictEqual(checkoutFileFault("docker/"), "must be a file, without a trailing '/'")
    assert.strictEqual(checkoutFileFault("../x"), "cannot contain '..' (path traversal)")
    assert.isUndefined(checkoutFileFault("docker/Dockerfile"))
  })
})

describe("localPathFault", () => {
  it.each(["./deploy", "/var/lib/deploy", "../deploy", "my deploy"])("accepts %s", (path) => {
    assert.isUndefined(localPathFault(path))
  })

  it.each(["-rf", "a\u0000b", "a\nb", "x".repeat(513)])("refuses %j", (path) => {
    assert.match(String(localPathFault(path)), /^must be a path of at most 512/)
  })
})
