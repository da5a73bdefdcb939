import { describe, expect, it } from 'vitest'
import { imported, input, ip, start } from './api-key-scene.ts'

describe('a store that fails', () => {
  it('is "cannot tell" for a check, never a yes or a no', async () => {
    const { apiKeys, store } = start()
    const { token } = await apiKeys.create(input)
    store.plan({ mode: 'fail-before', on: 'apiKeys.get', times: 3 })
    for (let time = 0; time < 3; time += 1) {
      expect(await apiKeys.check(token, { ip })).toEqual({ status: 'unknown', code: 'store-unavailable', retryAfter: 1 })
    }
    expect((await apiKeys.check(token, { ip })).status).toBe('live')
  })

  it('is "cannot tell" when nobody knows whether the owner may act', async () => {
    const { apiKeys } = start({ isOwnerActive: () => Promise.reject(new Error('down')) })
    const { token } = await apiKeys.create(input)
    expect((await apiKeys.check(token, { ip })).status).toBe('unknown')
  })

  it.each(['fail-before', 'fail-after'] as const)('does not keep an end from the trail: %s', async (mode) => {
    const { apiKeys, store, events } = start()
    const { key } = await apiKeys.create(input)
    await apiKeys.create({ ...input, owner: 'bob' })
    events.length = 0
    store.plan({ mode, on: 'apiKeys.revoke' })
    store.plan({ mode, on: 'apiKeys.revokeOwner' })
    await expect(apiKeys.revoke(key.id)).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(apiKeys.revokeOwner('bob')).rejects.toMatchObject({ code: 'store-unavailable' })
    const inDoubt = { kind: 'api_key_revoked', outcome: 'store-unavailable' }
    expect(events).toMatchObject([
      { ...inDoubt, subject: 'alice', object: key.id },
      { ...inDoubt, subject: 'bob', object: null },
    ])
    // Told once more only by the call that did it.
    await apiKeys.revoke(key.id)
    expect(events.slice(2)).toMatchObject(mode === 'fail-before' ? [{ kind: 'api_key_revoked', outcome: null }] : [])
  })

  it.each(['fail-before', 'fail-after'] as const)(
    'tells of a creation in doubt, and ends what nobody was handed: %s',
    async (mode) => {
      const { apiKeys, store, events } = start()
      store.plan({ mode, on: 'apiKeys.insert' })
      await expect(apiKeys.create(input)).rejects.toMatchObject({ code: 'store-unavailable' })
      await new Promise((resolve) => setImmediate(resolve))
      const about = { subject: 'alice', object: expect.stringMatching(/^[\w-]{24}$/) }
      const inDoubt = { kind: 'api_key_created', ...about, outcome: 'store-unavailable' }
      const ended = { kind: 'api_key_revoked', ...about, outcome: null }
      expect(events).toMatchObject(mode === 'fail-before' ? [inDoubt] : [inDoubt, ended])
      expect(events.every(({ object }) => object === events[0]?.object)).toBe(true)
      const { items } = await apiKeys.list({ limit: 10 })
      expect(items.filter(({ revokedAt }) => revokedAt === null)).toEqual([])
    },
  )

  it('leaves an imported key whose answer was lost to whoever has it: it is told, and known when it is tried again', async () => {
    const { apiKeys, store, events } = start({ acceptImported: true })
    store.plan({ mode: 'fail-after', on: 'apiKeys.insert' })
    await expect(apiKeys.import({ ...input, token: imported })).rejects.toMatchObject({ code: 'store-unavailable' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(events).toMatchObject([{ kind: 'api_key_created', outcome: 'store-unavailable' }])
    expect((await apiKeys.check(imported, { ip })).status).toBe('live')
    await expect(apiKeys.import({ ...input, token: imported })).rejects.toMatchObject({ code: 'conflict' })
  })

  it('raises no event of an end that was not even asked for', async () => {
    const { apiKeys, store, events } = start()
    await apiKeys.create(input)
    store.plan({ mode: 'fail-before', on: 'apiKeys.revokeOwner', times: 10 })
    const end = () => expect(apiKeys.revokeOwner('alice')).rejects.toMatchObject({ code: 'store-unavailable' })
    for (let time = 0; time < 10; time += 1) await end()
    const told = events.length
    await end()
    expect([told, events.length, store.calls('apiKeys.revokeOwner')]).toEqual([11, 11, 10])
  })

  it.each(['fail-before', 'fail-after'] as const)('leaves nothing half done at its n-th call: %s', async (mode) => {
    for (let nth = 1; nth <= 8; nth += 1) {
      const { apiKeys, store } = start()
      store.plan({ mode, nth })
      const made = await apiKeys.create(input).catch(() => undefined)
      if (made !== undefined) {
        await apiKeys.check(made.token, { ip })
        const told = await apiKeys.revoke(made.key.id).catch(() => 'unknown')
        store.heal()
        const { status } = await apiKeys.check(made.token, { ip })
        // Said to be revoked, it is; said to be unknown, it is either; never live after a yes.
        if (told === true) expect(status, `n = ${nth}`).toBe('dead')
      }
      store.heal()
      await apiKeys.revokeOwner('alice')
      const { items } = await apiKeys.list({ limit: 10 })
      expect(items.every(({ revokedAt }) => revokedAt !== null)).toBe(true)
      if (made === undefined) expect(items.length).toBeLessThanOrEqual(1)
    }
  })
})
