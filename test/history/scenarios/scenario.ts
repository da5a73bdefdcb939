/** A store that histories are made on, with the faults that it must survive. */
import type { Backend } from '../order.ts'
import type { Backends, Fault } from '../run.ts'

export interface Scenario {
  readonly backends: Backends
  /** Each may happen any number of times. */
  readonly faults: readonly Fault[]
  stop(): Promise<void>
}

export const three = (of: (at: number) => Backend): Backends => [of(0), of(1), of(2)]
