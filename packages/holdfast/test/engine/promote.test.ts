import { describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { hour, must, outcome, second, settle, start } from './support/start.ts'
import { failingStore, holdingStore, wrapStore } from './support/stores.ts'

async function withVisitor(options: Parameters<typeof start>[0] = {}) {
  const started = start(options)
  const visitor = await started.engine.issueAnonymous({ attributes: { cart: ['book'], theme: 'dark' } })
  await started.engine.verify(visitor.token)
  started.told()
  return { ...started, visitor, id: visitor.session.id }
}

async function liveIds({ engine }: ReturnType<typeof start>) {
  return (await engine.list({ limit: 200 })).items.map(({ id }) => id)
}

describe('promote', () => {
  it('gives a new id and secret with the data, and ends the old session', async () => {
    const started = await withVisitor()
    const closed = vi.fn()
    started.engine.attach(started.visitor.session, closed)
    const promoted = must(await started.engine.promote(started.id, { subject: 'alice', attributes: { theme: 'light' } }))
    expect(promoted.session).toMatchObject({ subject: 'alice', attributes: { cart: ['book'], theme: 'light' } })
    expect(promoted.session.id).not.toBe(started.id)
    expect(promoted.token).toMatch(/^hf1_/)
    expect(await outcome(started, promoted)).toBe('live')
    expect(await outcome(started, started.visitor)).toBe('promoted')
    expect(closed).toHaveBeenCalledWith({ cause: 'revoked', reason: 'promoted' })
    expect(started.told()).toEqual(['session_created', 'session_revoked', 'session_promoted', 'session_use_after_revoke'])
  })

  it.each([
    ['at once', () => memoryStore()],
    ['later', () => holdingStore(memoryStore()).store],
  ])('has one winner among 64 callers of a store that answers %s, and evicts nobody for the others', async (_, makeStore) => {
    const started = await withVisitor({ store: makeStore(), sessionsPerSubject: { max: 2 } })
    const phone = await started.engine.issue({ subject: 'alice' })
    const all = await Promise.all(Array.from({ length: 64 }, () => started.engine.promote(started.id, { subject: 'alice' })))
    const won = all.filter((one) => one !== undefined)
    expect(won).toHaveLength(1)
    expect(await outcome(started, must(won[0]))).toBe('live')
    expect(await outcome(started, phone)).toBe('live')
    expect(await liveIds(started)).toHaveLength(2)
  })

  it.each([
    ['merge', { theme: 'light' }, { cart: ['book'], theme: 'light' }],
    ['discard', { theme: 'light' }, { theme: 'light' }],
    ['refuse', { theme: 'dark', role: 'member' }, { cart: ['book'], theme: 'dark', role: 'member' }],
    [
      (visitor: object, given: object) => ({ visitor, given }) as never,
      {},
      { visitor: { cart: ['book'], theme: 'dark' }, given: {} },
    ],
  ] as const)('carries the data over as the policy %s says', async (promotion, attributes, expected) => {
    const started = await withVisitor({ promotion })
    const promoted = must(await started.engine.promote(started.id, { subject: 'alice', attributes }))
    expect(promoted.session.attributes).toEqual(expected)
    expect(await outcome(started, started.visitor)).toBe('promoted')
  })

  it('refuses another value for what the visitor has, where the policy says so, and leaves the visitor as it was', async () => {
    const started = await withVisitor({ promotion: 'refuse' })
    const contested = { subject: 'alice', attributes: { theme: 'light' } }
    await expect(started.engine.promote(started.id, contested)).rejects.toMatchObject({ code: 'conflict' })
    expect(await liveIds(started)).toEqual([started.id])
    expect(await outcome(started, started.visitor)).toBe('live')
    expect(await started.engine.promote(started.id, { subject: 'alice' })).toBeDefined()
  })

  it('is not for a signed-in session, nor for one that ended', async () => {
    const started = await withVisitor()
    const alice = await started.engine.issue({ subject: 'alice' })
    expect(await started.engine.promote(alice.session.id, { subject: 'mallory' })).toBeUndefined()
    expect(await outcome(started, alice)).toBe('live')
    await started.engine.revoke({ session: started.id })
    expect(await started.engine.promote(started.id, { subject: 'alice' })).toBeUndefined()
    expect(await started.engine.promote('no such session', { subject: 'alice' })).toBeUndefined()
    expect(await liveIds(started)).toEqual([alice.session.id])
  })

  it.each([{ subject: ' ' }, { subject: 'alice', attributes: { n: Number.NaN } }])(
    'refuses %j, and the visitor may try again at once',
    async (input) => {
      const started = await withVisitor()
      await expect(started.engine.promote(started.id, input)).rejects.toMatchObject({ code: 'invalid-request' })
      expect(await outcome(started, started.visitor)).toBe('live')
      expect(await started.engine.promote(started.id, { subject: 'alice' })).toBeDefined()
    },
  )

  it('that the limit of sessions refuses leaves the visitor', async () => {
    const started = await withVisitor({ sessionsPerSubject: { max: 1, whenFull: 'refuse' } })
    await started.engine.issue({ subject: 'alice' })
    await expect(started.engine.promote(started.id, { subject: 'alice' })).rejects.toMatchObject({ code: 'session-limit' })
    expect(await outcome(started, started.visitor)).toBe('live')
  })

  it('issues nothing for a visitor whose session was revoked meanwhile', async () => {
    const holding = holdingStore(memoryStore())
    const started = await withVisitor({ store: holding.store })
    holding.holding = new Set(['insert'])
    const slow = started.engine.promote(started.id, { subject: 'alice' })
    while (holding.held.length === 0) await Promise.resolve()
    await started.engine.revoke({ session: started.id }, { reason: 'logout' })
    must(holding.held[0]).answer()
    expect(await slow).toBeUndefined()
    expect(await liveIds(started)).toEqual([])
    expect(await outcome(started, started.visitor)).toBe('logout')
  })

  it('has one winner although the first was so slow that its claim lapsed', async () => {
    const holding = holdingStore(memoryStore())
    const started = await withVisitor({ store: holding.store, writeDeadline: '1m' })
    holding.holding = new Set(['insert'])
    const slow = started.engine.promote(started.id, { subject: 'alice' })
    while (holding.held.length === 0) await Promise.resolve()
    expect(await started.engine.promote(started.id, { subject: 'alice' })).toBeUndefined()
    started.clock.advance(10 * second)
    holding.holding = new Set()
    const quick = must(await started.engine.promote(started.id, { subject: 'alice' }))
    must(holding.held[0]).answer()
    expect(await slow).toBeUndefined()
    expect(await liveIds(started)).toEqual([quick.session.id])
  })

  it('is not locked out by a claim from before the clock went back', async () => {
    const failing = failingStore(memoryStore())
    const started = await withVisitor({ store: failing.store })
    // The claim is written; everything after it fails, and so it cannot be given back.
    failing.failAt(3, 'before', 10)
    await expect(started.engine.promote(started.id, { subject: 'alice' })).rejects.toMatchObject({ code: 'store-unavailable' })
    failing.recover()
    expect(await started.engine.promote(started.id, { subject: 'alice' })).toBeUndefined()
    started.clock.jumpTo(started.clock.now() - hour)
    expect(await started.engine.promote(started.id, { subject: 'alice' })).toBeDefined()
  })

  it('whose last answer was lost has happened', async () => {
    const inner = memoryStore()
    let lost = 0
    const store = wrapStore(inner, (method, run) => {
      const answer = run()
      if (method === 'revoke' && lost === 0) {
        lost += 1
        throw new Error('lost the answer')
      }
      return answer
    })
    const started = await withVisitor({ store })
    const promoted = must(await started.engine.promote(started.id, { subject: 'alice' }))
    expect(lost).toBe(1)
    expect(await outcome(started, promoted)).toBe('live')
    expect(await outcome(started, started.visitor)).toBe('promoted')
  })

  it('that could not end the visitor leaves the visitor and nothing else, to be tried again', async () => {
    const failing = failingStore(memoryStore())
    const started = await withVisitor({ store: failing.store })
    failing.failing = new Set(['revoke'])
    await expect(started.engine.promote(started.id, { subject: 'alice' })).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(await outcome(started, started.visitor)).toBe('live')
    failing.recover()
    started.clock.advance(second)
    await settle()
    expect(await liveIds(started)).toEqual([started.id])
    const again = must(await started.engine.promote(started.id, { subject: 'alice' }))
    expect(again.session.attributes).toEqual({ cart: ['book'], theme: 'dark' })
  })
})
