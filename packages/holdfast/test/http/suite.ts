/**
 * What every server built on Holdfast must withstand, over real sockets: once per adapter, and on the standalone
 * server. It knows a target by its address and a few of its routes, nothing of how it is made.
 */
import { attackTests } from './suite-attacks.ts'
import { routeTests } from './suite-routes.ts'
import { setUp, type Target } from './suite-setup.ts'

export type { Target } from './suite-setup.ts'

/** Registers the tests; call it inside a `describe`. */
export function httpSuite(start: () => Promise<Target>): void {
  const setup = setUp(start)
  attackTests(setup)
  routeTests(setup)
}
