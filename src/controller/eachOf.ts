/**
 * How many of these are done at the same time. One alone, as most passes have it, is done where it is: more than one at
 * a time takes a fiber for each.
 */
export const fewAtOnce = (all: ReadonlyArray<unknown>, most: number): { readonly concurrency: number } => ({
  concurrency: all.length > 1 ? most : 1
})
