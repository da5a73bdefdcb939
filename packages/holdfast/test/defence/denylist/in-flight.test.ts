/** Checks that are under way while something is revoked, and what a node may go on believing afterwards. */
import { expect, it } from 'vitest'
import { createDenylist, type DenylistOptions } from '../../../src/denylist.ts'
import type { Denylist } from '../../../src/store/denylist.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { settle } from '../../engine/support/start.ts'

const start = 1_767_225_600_000
const second = 1000

/** Good for an hour from the start. */
function tokenOf(claims: object): string {
  const parts = [{ alg: 'HS256' }, { iat: start / second, exp: start / second + 3600, ...claims }]
  return [...parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), 'AAAA'].join('.')
}

/** A store whose answers to `find` are made at once and arrive when they are let go. */
function holding(inner: Denylist) {
  const held: (() => void)[] = []
  let calls = 0
  const denylist: Denylist = {
    put: (denial) => inner.put(denial),
    sweep: (now, limit) => inner.sweep(now, limit),
    async find(keys, now) {
      calls += 1
      const found = await inner.find(keys, now)
      await new Promise<void>((resolve) => held.push(resolve))
      return found
    },
  }
  const letGo = async () => {
    await settle()
    for (const answer of held.splice(0)) answer()
  }
  return { store: { denylist }, letGo, calls: () => calls }
}

function world(options: Partial<DenylistOptions> = {}) {
  const clock = fakeClock(start)
  const inner = memoryStore().denylist
  const held = holding(inner)
  const open = (store: { readonly denylist: Denylist }) =>
    createDenylist({ store, clock, tokenLifetime: '1h', checkDeadline: '1m', ...options })
  return { clock, ...held, here: open(held.store), elsewhere: open({ denylist: inner }) }
}

it('a check that is under way does not outrun a revocation on its node', async () => {
  const { here, letGo } = world()
  const checking = here.check(tokenOf({ sub: 'alice' }))
  await settle()
  await here.revoke({ subject: 'alice' })
  await letGo()
  expect(await checking).toEqual({ status: 'dead', reason: 'revoked' })
})

it('a denial that a node has seen is known to it from then on, whatever becomes of the store', async () => {
  const { here, elsewhere, letGo, calls } = world()
  await elsewhere.revoke({ subject: 'alice' })
  const checking = here.check(tokenOf({ sub: 'alice' }))
  await letGo()
  expect(await checking).toEqual({ status: 'dead', reason: 'revoked' })
  // At once: the store is not asked about it again.
  expect(here.check(tokenOf({ sub: 'alice', jti: 'another' }))).toEqual({ status: 'dead', reason: 'revoked' })
  expect(calls()).toBe(1)
})

it('a clear answer is believed from when it was asked for, not from when it came', async () => {
  const { here, elsewhere, letGo, clock } = world({ trustClear: '1s' })
  const token = tokenOf({ sub: 'alice', jti: 'a' })
  const checking = here.check(token)
  await settle()
  clock.advance(second - 1)
  await letGo()
  expect(await checking).toEqual({ status: 'clear' })
  await elsewhere.revoke({ id: 'a' })
  expect(await here.check(token)).toEqual({ status: 'clear' })
  clock.advance(1)
  const again = here.check(token)
  await letGo()
  expect(await again).toEqual({ status: 'dead', reason: 'revoked' })
})

it('a clear answer is not believed by a clock that was set back further than it is trusted', async () => {
  const { here, elsewhere, letGo, clock } = world({ trustClear: '1s' })
  const token = tokenOf({ jti: 'a' })
  const checking = here.check(token)
  await letGo()
  expect(await checking).toEqual({ status: 'clear' })
  await elsewhere.revoke({ id: 'a' })
  clock.jumpTo(start - 60 * second)
  const again = here.check(token)
  await letGo()
  expect(await again).toEqual({ status: 'dead', reason: 'revoked' })
})
