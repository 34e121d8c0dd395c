import { readFileSync } from "node:fs"
import { Schema } from "effect"

const dockerfile = readFileSync(new URL("../../Dockerfile", import.meta.url), "utf8")
const command = Schema.decodeUnknownSync(Schema.parseJson(Schema.Array(Schema.String)))(
  /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1]
)

/** What the image gives to Node, so that what is measured is what runs. */
export const asInTheImage = command.slice(1, -1)
