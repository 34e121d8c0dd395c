import { HttpRouter, HttpServerRequest } from "@effect/platform"
import { Effect, Either, Schema } from "effect"
import { parseRecordText } from "../domain/parseRecordText.ts"
import type { LiveSettings } from "../store/LiveSettings.ts"
import { jsonAnswer, textAnswer } from "./jsonAnswer.ts"
import type { Limits } from "./Limits.ts"
import { readBody } from "./readBody.ts"
import { refused } from "./rpc/answer.ts"
import { idOf } from "./rpc/Envelope.ts"
import { answerMessage } from "./rpc/answerMessage.ts"
import { logRaw } from "./rpc/rawLog.ts"
import { rpcCode } from "./rpc/ToolFault.ts"
import type { ToolServices } from "./rpc/tools.ts"

const post = Effect.gen(function* () {
  const text = yield* readBody
  const parsed = parse(text)
  if (Either.isLeft(parsed)) {
    yield* logRaw("request", `${text.length} characters that are no JSON`)
    return yield* refused({ id: null, code: rpcCode.parseError, message: "Parse error", data: "the body is no JSON" })
  }
  // Which of two members of the same name JSON's own parser keeps is chance to whoever wrote both.
  const checked = parseRecordText(text)
  if (Either.isLeft(checked)) {
    const data = checked.left.message
    return yield* refused({ id: idOf(parsed.right), code: rpcCode.invalidRequest, message: "Invalid Request", data })
  }
  const request = yield* HttpServerRequest.HttpServerRequest
  const headers = new Headers(Object.entries(request.headers))
  // The specification knows no other; some programs send none, or what their library sends by itself.
  headers.set("content-type", "application/json")
  return yield* answerMessage(parsed.right, headers)
}).pipe(
  Effect.catchTag("Refused", ({ code, details, error }) => {
    const body = { jsonrpc: "2.0", id: null, error: { code: rpcCode.invalidRequest, message: error, data: details } }
    return Effect.succeed(jsonAnswer(body, { status: code }))
  })
)

const parse = Schema.decodeEither(Schema.parseJson())

const methods = "POST, OPTIONS"

/** There is no session to listen to or to end. Clients of the specification look for this status. */
const notAllowed = Effect.succeed(textAnswer("Method not allowed\n", 405, { allow: methods }))

/** JSON-RPC 2.0 and MCP, the same on both paths: one is the interface's documented one, the other the agents'. */
export const rpcRoutes: HttpRouter.HttpRouter<never, Limits | LiveSettings | ToolServices> = (
  ["/json", "/mcp"] as const
).reduce(
  (router: HttpRouter.HttpRouter<never, Limits | LiveSettings | ToolServices>, path) =>
    router.pipe(
      HttpRouter.post(path, post),
      HttpRouter.options(path, Effect.succeed(textAnswer("", 200, { allow: methods }))),
      HttpRouter.get(path, notAllowed),
      HttpRouter.del(path, notAllowed),
      HttpRouter.put(path, notAllowed),
      HttpRouter.patch(path, notAllowed)
    ),
  HttpRouter.empty
)
