import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { faultyStore } from '../../src/testing/index.ts'
import { temporaryFolder } from '../store/folder.ts'
import { chrome, firefox, must, outcome, outcomeOf, type StartOptions, second, start } from './support/start.ts'

async function ticketed(options: StartOptions = {}) {
  const started = start(options)
  const issued = await started.engine.issue({ subject: 'alice', context: firefox })
  const { ticket, expiresAt } = await started.engine.issueTicket(issued.session, firefox)
  return { ...started, issued, ticket, expiresAt }
}

describe('a ticket', () => {
  it('opens the session once: of 64 parallel callers one gets it', async () => {
    const { engine, ticket, issued } = await ticketed()
    const verdicts = await Promise.all(Array.from({ length: 64 }, () => engine.redeemTicket(ticket, firefox)))
    const live = verdicts.filter(({ status }) => status === 'live')
    expect(live).toEqual([{ status: 'live', session: expect.objectContaining({ id: issued.session.id, subject: 'alice' }) }])
    expect(new Set(verdicts.map(outcomeOf))).toEqual(new Set(['live', 'invalid']))
  })

  it('opens the session once also on SQLite, of 64 callers on two nodes', async () => {
    const folder = temporaryFolder()
    const path = folder.file('tickets.db')
    const one = await ticketed({ store: sqliteStore(path) })
    const other = start({ store: sqliteStore(path), clock: one.clock })
    const verdicts = await Promise.all(
      Array.from({ length: 64 }, (_, caller) => (caller % 2 === 0 ? one : other).engine.redeemTicket(one.ticket, firefox)),
    )
    expect(verdicts.filter(({ status }) => status === 'live')).toHaveLength(1)
    expect(new Set(verdicts.map(outcomeOf))).toEqual(new Set(['live', 'invalid']))
    for (const { store } of [one, other]) await store[Symbol.asyncDispose]?.()
    folder.remove()
  })

  it('is good for thirty seconds', async () => {
    const early = await ticketed()
    early.clock.advance(30 * second - 1)
    expect(outcomeOf(await early.engine.redeemTicket(early.ticket, firefox))).toBe('live')
    const late = await ticketed()
    late.clock.advance(30 * second)
    expect(outcomeOf(await late.engine.redeemTicket(late.ticket, firefox))).toBe('invalid')
  })

  it('is no token, and a token is no ticket', async () => {
    const { engine, ticket, issued } = await ticketed()
    expect(ticket.startsWith('hft1_')).toBe(true)
    expect(await outcome({ engine }, { token: ticket })).toBe('invalid')
    for (const text of [issued.token, '', ticket.slice(0, -1), `${ticket.slice(0, -4)}AAAA`, `hf1_${ticket.slice(5)}`]) {
      expect(outcomeOf(await engine.redeemTicket(text, firefox))).toBe('invalid')
    }
    expect(outcomeOf(await engine.redeemTicket(ticket, firefox))).toBe('live')
  })

  it('is worth nothing once its session has ended', async () => {
    const { engine, ticket, issued } = await ticketed()
    await engine.revoke({ session: issued.session.id }, { reason: 'logout' })
    expect(outcomeOf(await engine.redeemTicket(ticket, firefox))).toBe('logout')
  })

  it('is worth nothing once the secret that asked for it is replaced, and outlives a step-up', async () => {
    const { engine, ticket, issued } = await ticketed()
    const { ticket: other } = await engine.issueTicket(issued.session, firefox)
    await engine.elevate(issued.session.id, { amr: ['otp'], context: firefox })
    expect(outcomeOf(await engine.redeemTicket(ticket, firefox))).toBe('live')
    await engine.regenerate(issued.session.id)
    expect(outcomeOf(await engine.redeemTicket(other, firefox))).toBe('superseded')
  })

  it('is held against the client that asked for it, as the policies say', async () => {
    const stolen = await ticketed()
    expect(outcomeOf(await stolen.engine.redeemTicket(stolen.ticket, chrome))).toBe('binding-mismatch')
    const elsewhere = { ...firefox, ip: '198.51.100.1' }
    const moved = await ticketed()
    expect(outcomeOf(await moved.engine.redeemTicket(moved.ticket, elsewhere))).toBe('live')
    expect(moved.told()).toContain('session_ip_changed')
    const strict = await ticketed({ ipChange: 'deny' })
    expect(outcomeOf(await strict.engine.redeemTicket(strict.ticket, elsewhere))).toBe('binding-mismatch')
  })

  it('carries a step-up only when the secret that asked for it had one', async () => {
    const { engine, issued } = await ticketed()
    const raised = must(await engine.elevate(issued.session.id, { amr: ['otp'] }))
    const old = await engine.verify(issued.token)
    if (old.status !== 'live') throw new Error('the old secret is in its grace')
    const plain = await engine.redeemTicket((await engine.issueTicket(old.session)).ticket)
    expect(plain).toMatchObject({ session: { elevatedUntil: null } })
    const full = await engine.redeemTicket((await engine.issueTicket(raised.session)).ticket)
    expect(full).toMatchObject({ session: { elevatedUntil: raised.session.elevatedUntil } })
  })

  it.each(['fail-before', 'fail-after'] as const)(
    'is "cannot tell" with a fault at each store call (%s), and never two sessions',
    async (mode) => {
      const store = faultyStore(memoryStore())
      const { engine, issued } = await ticketed({ store })
      store.plan({ on: 'tickets.put', mode })
      await expect(engine.issueTicket(issued.session)).rejects.toMatchObject({ code: 'store-unavailable' })
      for (const on of ['tickets.take', 'get'] as const) {
        const { ticket } = await engine.issueTicket(issued.session)
        store.plan({ on, mode })
        expect(outcomeOf(await engine.redeemTicket(ticket))).toBe('store-unavailable')
        // Spent or not, by what the store had done; it opens at most one connection.
        const again = [await engine.redeemTicket(ticket), await engine.redeemTicket(ticket)].map(outcomeOf)
        expect(again.filter((each) => each === 'live').length).toBe(on === 'tickets.take' && mode === 'fail-before' ? 1 : 0)
      }
    },
  )
})
