import { Either } from "effect"
import { TemplateFault } from "./TemplateFault.ts"
import { templateFunctions } from "./templateFunctions.ts"
import type { Block, Command, Operand, Pipeline, TemplateNode } from "./TemplateNode.ts"
import { type Piece, templatePieces, type Token } from "./templateTokens.ts"

/**
 * Reads a template of the part of consul-template's language that is implemented here; fails by the name of what isn't,
 * or with what is wrong about it.
 */
export const parseTemplate = (text: string, left = "{{", right = "}}"): Either.Either<Block, string> =>
  Either.try({
    try: () => {
      const pieces = [...templatePieces(text, left, right)]
      const block = readBlock(pieces)
      if (pieces.length > 0) throw new TemplateFault(`unexpected {{${wordOf(pieces[0])}}}`)
      return block
    },
    catch: (error) => (error instanceof Error ? error.message : String(error))
  })

/** Whether a template asks Vault for anything. */
export const readsVault = (block: Block): boolean =>
  block.some((node) => {
    if (node._tag === "Text") return false
    if (pipelineReadsVault(node.pipeline)) return true
    return node._tag !== "Print" && (readsVault(node.yes) || readsVault(node.no))
  })

const pipelineReadsVault = (pipeline: Pipeline): boolean =>
  pipeline.some((command) =>
    command.some(
      (operand) =>
        (operand._tag === "Function" && operand.name === "secret") ||
        (operand._tag === "Nested" && pipelineReadsVault(operand.pipeline))
    )
  )

const wordOf = (piece: Piece | undefined): string => {
  const token = piece?._tag === "Action" ? piece.tokens[0] : undefined
  return token?._tag === "Word" ? token.value : ""
}

/** Takes pieces up to an `end` or `else`, which it leaves. */
const readBlock = (pieces: Array<Piece>): Block => {
  const nodes: Array<TemplateNode> = []
  for (;;) {
    const piece = pieces[0]
    if (piece === undefined || ["end", "else"].includes(wordOf(piece))) return nodes
    pieces.shift()
    nodes.push(piece._tag === "Text" ? piece : readAction(piece.tokens, pieces))
  }
}

const readAction = (tokens: ReadonlyArray<Token>, pieces: Array<Piece>): TemplateNode => {
  const [first, ...rest] = tokens
  const word = first?._tag === "Word" ? first.value : ""
  if (word === "if") return readBranch("If", rest, pieces)
  if (word === "with") return readBranch("With", rest, pieces)
  if (["range", "define", "template", "block", "break", "continue"].includes(word)) {
    throw new TemplateFault(`{{${word}}} is not implemented by this server`)
  }
  return { _tag: "Print", pipeline: readWhole(tokens) }
}

const readBranch = (tag: "If" | "With", condition: ReadonlyArray<Token>, pieces: Array<Piece>): TemplateNode => {
  const pipeline = readWhole(condition)
  const yes = readBlock(pieces)
  const stop = pieces.shift()
  if (stop === undefined) throw new TemplateFault("unexpected EOF: {{end}} is missing")
  if (wordOf(stop) === "end" || stop._tag === "Text") return { _tag: tag, pipeline, yes, no: [] }
  const [, next, ...chained] = stop.tokens
  if (next?._tag === "Word" && (next.value === "if" || next.value === "with")) {
    return { _tag: tag, pipeline, yes, no: [readBranch(next.value === "if" ? "If" : "With", chained, pieces)] }
  }
  const no = readBlock(pieces)
  if (wordOf(pieces.shift()) !== "end") throw new TemplateFault("unexpected EOF: {{end}} is missing")
  return { _tag: tag, pipeline, yes, no }
}

const readWhole = (tokens: ReadonlyArray<Token>): Pipeline => {
  const left = [...tokens]
  const pipeline = readPipeline(left)
  if (left.length > 0) throw new TemplateFault("unexpected ) in action")
  return pipeline
}

/** Takes tokens up to a closing parenthesis, which it leaves. */
const readPipeline = (tokens: Array<Token>): Pipeline => {
  const commands: Array<Command> = []
  let command: Array<Operand> = []
  for (;;) {
    const token = tokens[0]
    if (token === undefined || (token._tag === "Sign" && token.value !== "(")) {
      if (command.length === 0) throw new TemplateFault("missing value for command")
      commands.push(command)
      command = []
      if (token === undefined || token.value === ")") return commands
      tokens.shift()
    } else command.push(readOperand(tokens))
  }
}

const readOperand = (tokens: Array<Token>): Operand => {
  const token = tokens.shift()
  switch (token?._tag) {
    case "String":
    case "Number":
      return { _tag: "Literal", value: token.value }
    case "Path":
      return { _tag: "Field", path: token.path }
    case "Word":
      return readWord(token.value)
    default:
      return readNested(tokens)
  }
}

const readWord = (word: string): Operand => {
  if (word === "true" || word === "false") return { _tag: "Literal", value: word === "true" }
  if (word === "nil") return { _tag: "Literal", value: null }
  if (word.startsWith("$")) throw new TemplateFault("variables are not implemented by this server")
  if (!templateFunctions.has(word))
    throw new TemplateFault(`function ${JSON.stringify(word)} is not implemented by this server`)
  return { _tag: "Function", name: word }
}

/** What stands in parentheses, with the fields that follow at once. */
const readNested = (tokens: Array<Token>): Operand => {
  const pipeline = readPipeline(tokens)
  if (tokens.shift() === undefined) throw new TemplateFault("unclosed left paren")
  const after = tokens[0]
  if (after?._tag !== "Path" || after.spaced || after.path.length === 0) return { _tag: "Nested", pipeline, path: [] }
  tokens.shift()
  return { _tag: "Nested", pipeline, path: after.path }
}
