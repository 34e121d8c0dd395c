import { assert, describe, it } from "@effect/vitest"
import { hostPaths, toHostPath } from "../../../../src/embedded/nomad/driver/hostPaths.ts"
import { imageReference, isLoopback } from "../../../../src/embedded/nomad/driver/imageReference.ts"
import { installCommand } from "../../../../src/embedded/nomad/driver/missingTools.ts"
import { pullFailure } from "../../../../src/embedded/nomad/driver/pullFailure.ts"

describe("an image's reference", () => {
  it("is completed by docker's rules", () => {
    const names = (image: string) => imageReference(image).name
    assert.strictEqual(names("busybox"), "docker.io/library/busybox:latest")
    assert.strictEqual(names("team/app:1"), "docker.io/team/app:1")
    assert.strictEqual(names("quay.io/team/app"), "quay.io/team/app:latest")
    assert.strictEqual(names("localhost/app:1"), "localhost/app:1")
    assert.strictEqual(names("127.0.0.1:5000/a/b:1@sha256:ab"), "127.0.0.1:5000/a/b@sha256:ab")
  })

  it("moves when it is latest, and never by digest", () => {
    assert.isTrue(imageReference("host:1/a").moves)
    assert.isTrue(imageReference("host:1/a:latest").moves)
    assert.isFalse(imageReference("host:1/a:2").moves)
    assert.isFalse(imageReference("host:1/a:latest@sha256:ab").moves)
  })

  it("is fetched without TLS from the loopback network only", () => {
    assert.deepStrictEqual(
      ["127.0.0.1:5000", "127.8.0.1", "localhost:5000", "localhost", "[::1]:5000"].map(isLoopback),
      [true, true, true, true, true]
    )
    assert.deepStrictEqual(
      ["127.0.0.1.example.org", "example.org:5000", "10.0.0.1", "localhost.example.org"].map(isLoopback),
      [false, false, false, false]
    )
  })
})

describe("a failed pull", () => {
  const say = (stderr: string) => pullFailure("h/a:1", stderr, false).message

  it("tells what buildah said last when docker has no words for it", () => {
    assert.strictEqual(
      say('time="x" level=warning msg="y"\nError: copying layer: no space left on device\n'),
      "Failed to pull `h/a:1`: API error (500): copying layer: no space left on device"
    )
  })

  it("tells a registry that is down with the address that was asked", () => {
    assert.strictEqual(
      say('Error: pinging container registry h: Get \\"https://h/v2/\\": dial tcp: lookup h: no such host\n'),
      'Failed to pull `h/a:1`: API error (500): Get "https://h/v2/": dial tcp: lookup h: no such host'
    )
  })
})

describe("a task's paths", () => {
  const paths = hostPaths({
    allocationId: "id",
    jobId: "job",
    taskName: "main",
    driver: "docker",
    user: "",
    config: {},
    env: {},
    folders: { alloc: "/data/alloc", local: "/data/local", secrets: "/data/secrets" },
    volumes: [
      { source: "/data/v", destination: "/alloc/v/", readOnly: false },
      { source: "/data/cache", destination: "/home/build/cache", readOnly: false }
    ],
    memoryMb: 1,
    cpu: 1,
    stdout: () => {},
    stderr: () => {}
  })

  it("are rewritten whole, the innermost mount first", () => {
    assert.strictEqual(toHostPath(paths, "/alloc"), "/data/alloc")
    assert.strictEqual(toHostPath(paths, "/alloc/v"), "/data/v")
    assert.strictEqual(toHostPath(paths, "/alloc/v/x"), "/data/v/x")
    assert.strictEqual(toHostPath(paths, "/home/build/cache/a b"), "/data/cache/a b")
  })

  it("leave other values alone", () => {
    for (const value of ["/allocation", "x/alloc", "https://host/alloc", "/home/build", ""]) {
      assert.strictEqual(toHostPath(paths, value), value)
    }
  })
})

describe("missing tools", () => {
  it("are installed by one command that names each package once", () => {
    const tool = (name: string, package_: string) => ({ name, purpose: "x", package: package_ })
    assert.strictEqual(
      installCommand([tool("setpriv", "util-linux"), tool("unshare", "util-linux"), tool("git", "git")]),
      "apt-get install -y util-linux git"
    )
  })
})
