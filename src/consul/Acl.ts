import { Effect, Schema } from "effect"
import { type Call, type CallRequest, decodeBody } from "./Call.ts"

/** Whom a token stands for. */
export interface TokenView {
  /** Not secret: what Consul's own logs name a token by. */
  readonly accessorId: string
  readonly description: string
}

export const makeAcl = (call: Call) => ({
  tokenSelf: () => {
    const request: CallRequest = { operation: "acl.self", method: "GET", path: "/v1/acl/token/self" }
    return call(request).pipe(
      Effect.flatMap(decodeToken(request)),
      Effect.map(({ AccessorID, Description }) => ({ accessorId: AccessorID, description: Description }))
    )
  }
})

const decodeToken = decodeBody(
  Schema.Struct({
    AccessorID: Schema.String,
    Description: Schema.optionalWith(Schema.String, { default: () => "" })
  })
)
