/** The HTTP suite that every adapter passes, on the server as it is started. */
import { memoryStore } from 'holdfast/store/memory'
import { fakeClock } from 'holdfast/testing'
import { describe } from 'vitest'
import { httpSuite, type Target } from '../../../holdfast/test/http/suite.ts'
import { createAccount } from '../../src/accounts/administer.ts'
import { type Fault, failingStore } from '../failing-store.ts'
import { goodPassword, testServer } from '../harness.ts'

async function start(): Promise<Target> {
  const clock = fakeClock()
  let fault: Fault = 'none'
  const server = await testServer({ overrides: { clock, store: failingStore(memoryStore(), () => fault) } })
  const { services } = server
  const bystander = await createAccount(services, { username: 'bystander', password: goodPassword })
  return {
    url: server.address,
    basePath: '/auth',
    guarded: '/auth/user',
    async signIn(browser, subject) {
      // The suite knows a subject by its name. Administrators, so that there is a harmless change they may make.
      await services.accounts.create({ ...bystander, id: subject, username: subject, role: 'admin' })
      return browser.post('/auth/login', { username: subject, password: goodPassword })
    },
    change: { method: 'PATCH', path: `/admin/users/${bystander.id}`, json: { email: 'b@mail.test' } },
    changes: () =>
      server.log.lines().filter(({ event }) => (event as { kind?: string } | undefined)?.kind === 'user_updated').length,
    failStore(failing) {
      fault = failing ? 'all' : 'none'
    },
    failWrites(failing) {
      fault = failing ? 'writes' : 'none'
    },
    advance: (ms) => clock.advance(ms),
    close: () => server[Symbol.asyncDispose](),
  }
}

describe('the standalone server', () => httpSuite(start))
