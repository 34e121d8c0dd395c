import { element, isTrue, shown, templateFunctions, type TemplateWorld } from "./templateFunctions.ts"
import { TemplateFault } from "./TemplateFault.ts"
import type { Block, Command, Operand, Pipeline, TemplateNode } from "./TemplateNode.ts"

export type Rendered =
  | { readonly _tag: "Text"; readonly text: string }
  /** Waits for these, named as consul-template names them, e.g. `vault.read(secret/data/git)`. */
  | { readonly _tag: "Missing"; readonly dependencies: ReadonlyArray<string> }
  | { readonly _tag: "Failed"; readonly reason: string }

/**
 * Renders a template. As long as a secret is missing there is no text at all, whatever the template would do without
 * it: all that it asks for on the way is named at once.
 */
export const renderTemplate = (block: Block, world: TemplateWorld): Rendered => {
  const missing = new Set<string>()
  const recording: TemplateWorld = {
    ...world,
    secret: (path) => {
      const found = world.secret(path)
      if (found === undefined) missing.add(`vault.read(${path.replace(/^\//, "")})`)
      return found
    }
  }
  try {
    const text = renderBlock(block, undefined, recording)
    return missing.size > 0 ? { _tag: "Missing", dependencies: [...missing].toSorted() } : { _tag: "Text", text }
  } catch (error) {
    if (missing.size > 0) return { _tag: "Missing", dependencies: [...missing].toSorted() }
    return { _tag: "Failed", reason: error instanceof Error ? error.message : String(error) }
  }
}

const renderBlock = (block: Block, dot: unknown, world: TemplateWorld): string =>
  block.map((node) => renderNode(node, dot, world)).join("")

const renderNode = (node: TemplateNode, dot: unknown, world: TemplateWorld): string => {
  if (node._tag === "Text") return node.text
  const value = evaluate(node.pipeline, dot, world)
  if (node._tag === "Print") return shown(value)
  if (!isTrue(value)) return renderBlock(node.no, dot, world)
  return renderBlock(node.yes, node._tag === "With" ? value : dot, world)
}

const evaluate = (pipeline: Pipeline, dot: unknown, world: TemplateWorld): unknown => {
  let piped: ReadonlyArray<unknown> = []
  for (const command of pipeline) piped = [call(command, piped, dot, world)]
  return piped[0]
}

const call = (command: Command, piped: ReadonlyArray<unknown>, dot: unknown, world: TemplateWorld): unknown => {
  const [first, ...rest] = command
  if (first?._tag !== "Function") {
    if (first === undefined || rest.length + piped.length > 0)
      throw new TemplateFault("can't give argument to non-function")
    return valueOf(first, dot, world)
  }
  return apply(first.name, [...rest.map((operand) => valueOf(operand, dot, world)), ...piped], world)
}

const valueOf = (operand: Operand, dot: unknown, world: TemplateWorld): unknown => {
  switch (operand._tag) {
    case "Literal":
      return operand.value
    case "Field":
      return field(dot, operand.path, world)
    case "Nested":
      return field(evaluate(operand.pipeline, dot, world), operand.path, world)
    case "Function":
      return apply(operand.name, [], world)
  }
}

const apply = (name: string, args: ReadonlyArray<unknown>, world: TemplateWorld): unknown => {
  const found = templateFunctions.get(name)
  if (found === undefined) throw new TemplateFault(`function ${JSON.stringify(name)} not defined`)
  return found(args, world)
}

const field = (from: unknown, path: ReadonlyArray<string>, world: TemplateWorld): unknown =>
  path.reduce((value: unknown, name) => element(value, name, world), from)
