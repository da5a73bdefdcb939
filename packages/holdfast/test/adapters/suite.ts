/** What each adapter must keep beyond the common suite. */
import { freshTests } from './suite-fresh.ts'
import { refreshTests } from './suite-refresh.ts'
import { requestTests } from './suite-requests.ts'
import { type Serve, setUpAdapter } from './suite-setup.ts'
import { signInTests } from './suite-sign-in.ts'
import { ticketTests } from './suite-tickets.ts'
import { visitorTests } from './suite-visitors.ts'

export function adapterSuite(serve: Serve): void {
  const setup = setUpAdapter(serve)
  signInTests(setup)
  requestTests(setup)
  refreshTests(setup)
  freshTests(setup)
  ticketTests(setup)
  visitorTests(setup)
}
