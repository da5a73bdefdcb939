/** Routes that act on no remembered answer. */
import { expect, test } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionId, Store } from '../../src/store/store.ts'
import { Browser } from '../http/harness.ts'
import { type AdapterSetup, codeOf } from './suite-setup.ts'

interface Elsewhere {
  /** What this node works on: its answers take time, as another machine's do, and no change made elsewhere is ever told. */
  readonly store: Store
  revoke(id: SessionId): unknown
  fails: boolean
}

function deafStore(takesTime: boolean): Elsewhere {
  const shared = memoryStore()
  const elsewhere: Elsewhere = {
    store: {
      ...shared,
      get(id) {
        if (elsewhere.fails) throw new Error('the store is down')
        return takesTime ? Promise.resolve(shared.get(id)) : shared.get(id)
      },
      changes: { subscribe: () => () => undefined, confirm: () => true },
    },
    revoke: (id) => shared.revoke({ id }, { at: 0, reason: 'admin' }),
    fails: false,
  }
  return elsewhere
}

export function freshTests(at: AdapterSetup): void {
  test.each([
    ['at once', false],
    ['later', true],
  ])('a fresh route sees what was revoked elsewhere, from a store that answers %s', async (_, takesTime) => {
    const elsewhere = deafStore(takesTime)
    await at.restart({ store: elsewhere.store })
    const alice = await at.signedIn()
    expect((await alice.get('/now')).json()).toMatchObject({ subject: 'alice', verdict: 'live' })
    await elsewhere.revoke(String((await alice.get('/me')).json().id))
    expect((await alice.get('/me')).status).toBe(200)
    expect(codeOf(await alice.get('/now'))).toEqual([401, 'session-revoked'])
  })

  test('a fresh route is 503 while the store cannot tell, with the cookies as they were', async () => {
    const elsewhere = deafStore(true)
    await at.restart({ store: elsewhere.store })
    const alice = await at.signedIn()
    await alice.get('/me')
    elsewhere.fails = true
    const answered = await alice.get('/now')
    expect(codeOf(answered)).toEqual([503, 'store-unavailable'])
    expect(answered.headers['retry-after']).toMatch(/^\d+$/)
    expect(answered.setCookies).toEqual([])
    elsewhere.fails = false
    expect((await alice.get('/now')).status).toBe(200)
  })

  test('a fresh route lets nobody in without a session, nor a visitor', async () => {
    const { token } = await at.visitor('header')
    const visitor = await new Browser(at.served.url).get('/now', { 'x-anon-session-token': token })
    expect(codeOf(visitor)).toEqual([401, 'session-required'])
    expect(codeOf(await new Browser(at.served.url).get('/now'))).toEqual([401, 'session-required'])
  })
}
