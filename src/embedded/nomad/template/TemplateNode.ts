/** A template's text in pieces: what stands between the delimiters is an action. */
export type TemplateNode =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Print"; readonly pipeline: Pipeline }
  | { readonly _tag: "If"; readonly pipeline: Pipeline; readonly yes: Block; readonly no: Block }
  | { readonly _tag: "With"; readonly pipeline: Pipeline; readonly yes: Block; readonly no: Block }

export type Block = ReadonlyArray<TemplateNode>

/** Commands, each but the first given the result of the one before as its last argument. */
export type Pipeline = ReadonlyArray<Command>

/** A function or value, and its arguments. */
export type Command = ReadonlyArray<Operand>

export type Operand =
  | { readonly _tag: "Literal"; readonly value: string | number | boolean | null }
  | { readonly _tag: "Function"; readonly name: string }
  /** Fields of the dot, none for the dot itself. */
  | { readonly _tag: "Field"; readonly path: ReadonlyArray<string> }
  | { readonly _tag: "Nested"; readonly pipeline: Pipeline; readonly path: ReadonlyArray<string> }
