/** Something that must hold in every history. It watches the world from its beginning, and is asked once it is at rest. */
export interface Oracle {
  readonly atRest: () => void
}

export const nothingAtRest: Oracle = { atRest: () => {} }
