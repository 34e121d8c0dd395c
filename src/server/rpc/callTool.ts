import type { CallToolResult } from "@modelcontextprotocol/server"
import { Data, Effect } from "effect"
import type { Progress, Tool, ToolAnswer } from "./Tool.ts"
import { rpcCode, type ToolFailed, type ToolFault } from "./ToolFault.ts"
import { type ToolServices, tools } from "./tools.ts"

/** What a caller gets in place of a result. */
export class RpcError extends Data.TaggedError("RpcError")<{
  readonly code: number
  readonly text: string
  readonly data: string
}> {
  override get message(): string {
    return this.text
  }
}

type Arguments = Readonly<Record<string, unknown>>

/** `tools/call`: what a tool can't do is a result that says so, for whoever decides what to call next. */
export const callTool = Effect.fn("rpc.callTool")(
  function* (
    name: string,
    given: Arguments,
    progress: Progress
  ): Effect.fn.Return<CallToolResult, RpcError, ToolServices> {
    const tool = yield* find(name, "Tool not found")
    return yield* Effect.matchEffect(called(tool, given, progress), {
      onSuccess: ({ structured, texts }) =>
        Effect.succeed({
          content: texts.map((text) => ({ type: "text" as const, text })),
          structuredContent: { ...structured }
        }),
      onFailure: (fault) =>
        fault._tag === "ToolFailed"
          ? Effect.succeed({ content: [{ type: "text" as const, text: explained(fault) }], isError: true })
          : Effect.fail(asError(fault))
    })
  },
  (effect, name) => Effect.annotateLogs(effect, { tool: name })
)

/** The tool as a method of its own: its result is the result, and its failure is the error. */
export const callMethod = Effect.fn("rpc.callMethod")(
  function* (method: string, given: Arguments): Effect.fn.Return<ToolAnswer["structured"], RpcError, ToolServices> {
    const tool = yield* find(method, "Method not found")
    const { structured } = yield* Effect.mapError(
      called(tool, given, () => Effect.void),
      asError
    )
    return structured
  },
  (effect, method) => Effect.annotateLogs(effect, { method })
)

const find = (name: string, missing: string): Effect.Effect<Tool<ToolServices>, RpcError> => {
  const tool = tools.find((one) => one.name === name)
  return tool === undefined
    ? Effect.fail(new RpcError({ code: rpcCode.methodNotFound, text: missing, data: name }))
    : Effect.succeed(tool)
}

/** A mistake in here is logged in full, and told without what it may hold. */
const called = (
  tool: Tool<ToolServices>,
  given: Arguments,
  progress: Progress
): Effect.Effect<ToolAnswer, ToolFault | RpcError, ToolServices> =>
  Effect.catchAllDefect(tool.call(given, progress), (defect) =>
    Effect.zipRight(
      Effect.logError("a tool broke", defect),
      Effect.fail(
        new RpcError({ code: rpcCode.internalError, text: "Internal error", data: `${tool.name} broke; see the log` })
      )
    )
  )

const asError = (fault: ToolFault | RpcError): RpcError => {
  switch (fault._tag) {
    case "RpcError":
      return fault
    case "NoToolCall":
      return new RpcError({ code: rpcCode.invalidParams, text: fault.text, data: fault.detail })
    case "ToolFailed":
      return new RpcError({ code: fault.code, text: fault.text, data: fault.detail })
  }
}

const explained = ({ advice, detail, faults, text }: ToolFailed): string =>
  [text, ...(faults.length === 0 ? [detail] : faults.map((fault) => `- ${fault}`)), advice].join("\n")
