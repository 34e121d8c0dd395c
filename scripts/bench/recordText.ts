/** Build, test, publish, and the cleaning up. */
export const stepsOfAJob = 4

/** A record of three phases. */
export const recordText = (name: string, more: object = {}): string =>
  JSON.stringify({
    owner: "bench",
    repo_url: "https://git.example.com/bench/app.git",
    image_name: `bench/${name}`,
    registry_url: "registry.example.com:5000",
    test: { commands: ["true"] },
    ...more
  })
