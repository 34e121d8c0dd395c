import type { JobRequest } from "../../src/domain/Snapshot.ts"
import type { PlacedFault } from "./Fault.ts"

/** What somebody, or a machine, does to the world. */
export type Operation =
  /** A client writes or removes a record. */
  | { readonly do: "put"; readonly name: string; readonly text: string }
  | { readonly do: "delete"; readonly name: string }
  /** A client asks for one act on the run that the record has then; where it has none, nothing is asked. */
  | { readonly do: "request"; readonly verb: JobRequest["verb"]; readonly name: string }
  /** A client asks to end what nobody owns. */
  | { readonly do: "collect" }
  /** A step of a run that nobody knows begins: what another leader left, or a store that was lost. */
  | { readonly do: "orphan" }
  /** An operator sets something. */
  | { readonly do: "configure"; readonly key: string; readonly text: string }
  /** Somebody stops one of our Nomad jobs by hand: the one that was registered as the n-th of those that still run. */
  | { readonly do: "stop-child"; readonly which: number }
  | { readonly do: "collect-garbage" }
  /** Clients delete the folders of what has ended. */
  | { readonly do: "drop-folders" }
  | { readonly do: "disconnect" | "connect"; readonly client: number }
  | { readonly do: "crash"; readonly replica: number }

export interface PlacedOperation {
  /** Milliseconds from the beginning. */
  readonly at: number
  readonly operation: Operation
}

/** A history: the same plan always gives the same run. */
export interface Plan {
  /** Of latencies and of how long tasks take; undefined: always the same. */
  readonly seed: number | undefined
  readonly replicas: number
  readonly operations: ReadonlyArray<PlacedOperation>
  readonly faults: ReadonlyArray<PlacedFault>
  /** Milliseconds from the beginning after which no fault happens any more. */
  readonly calmAt: number
  /** Steps end as they begin: what is left is what the controller and the systems do. */
  readonly instant?: true
}
