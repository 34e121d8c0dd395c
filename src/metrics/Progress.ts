import { Context } from "effect"

/** Told by whatever a piece of work waits for, each time that it got an answer: slow is not stuck. */
export class Progress extends Context.Reference<Progress>()("jobforge/metrics/Progress", {
  defaultValue: (): { readonly touch: () => void } => ({ touch: () => {} })
}) {}
