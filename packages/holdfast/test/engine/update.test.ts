import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { must, outcome, start } from './support/start.ts'
import { holdingStore } from './support/stores.ts'

const increment = (attributes: { n?: unknown }) => ({ ...attributes, n: Number(attributes.n ?? 0) + 1 })

describe('update', () => {
  it('changes the attributes, seen by the very next check', async () => {
    const started = start()
    const { session, token } = await started.engine.issue({ subject: 'alice', attributes: { role: 'user' } })
    await started.engine.verify(token)
    const updated = must(await started.engine.update(session.id, (held) => ({ ...held, role: 'admin' })))
    expect(updated.attributes).toEqual({ role: 'admin' })
    expect(await started.engine.verify(token)).toMatchObject({ session: { attributes: { role: 'admin' } } })
    expect(started.told()).toEqual(['session_created', 'session_updated'])
  })

  it('loses none of 64 at once', async () => {
    for (const store of [memoryStore(), holdingStore(memoryStore()).store]) {
      const { engine } = start({ store })
      const { session } = await engine.issue({ subject: 'alice' })
      await Promise.all(Array.from({ length: 64 }, () => engine.update(session.id, increment)))
      expect((await engine.get(session.id))?.attributes).toEqual({ n: 64 })
    }
  })

  it('never creates and never revives', async () => {
    const started = start()
    const { session, token } = await started.engine.issue({ subject: 'alice' })
    expect(await started.engine.update('AAAAaaaaaaaaaaaaaaaaaaaa', increment)).toBeUndefined()
    await started.engine.revoke({ session: session.id }, { reason: 'logout' })
    expect(await started.engine.update(session.id, increment)).toBeUndefined()
    expect(await outcome(started, { token })).toBe('logout')
    expect((await started.store.list({ limit: 10 })).items).toHaveLength(1)
  })

  it('that was slow does not revive a session signed out meanwhile', async () => {
    const holding = holdingStore(memoryStore())
    const started = start({ store: holding.store })
    const { session, token } = await started.engine.issue({ subject: 'alice' })
    holding.holding = new Set(['replace'])
    const slow = started.engine.update(session.id, increment)
    while (holding.held.length === 0) await Promise.resolve()
    await started.engine.revoke({ session: session.id }, { reason: 'logout' })
    must(holding.held[0]).answer()
    expect(await slow).toBeUndefined()
    expect(await outcome(started, { token })).toBe('logout')
    expect((await started.engine.get(session.id))?.attributes).toEqual({})
  })

  it('refuses what is no attribute and hands on what the change throws, changing nothing', async () => {
    const { engine } = start()
    const { session } = await engine.issue({ subject: 'alice', attributes: { n: 1 } })
    await expect(engine.update(session.id, () => ({ n: Number.NaN }))).rejects.toMatchObject({ code: 'invalid-request' })
    const theirs = new Error('theirs')
    const throwing = () => {
      throw theirs
    }
    await expect(engine.update(session.id, throwing)).rejects.toBe(theirs)
    expect((await engine.get(session.id))?.attributes).toEqual({ n: 1 })
  })

  it('gives up with a fault, not a lie, when the store never lets it win', async () => {
    const store = { ...memoryStore(), replace: () => false }
    const { engine } = start({ store })
    const { session } = await engine.issue({ subject: 'alice' })
    await expect(engine.update(session.id, increment)).rejects.toMatchObject({ code: 'store-unavailable' })
  })
})
