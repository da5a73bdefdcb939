import { describe, expect, it } from 'vitest'
import { createApiKeys } from '../../src/defence/api-keys.ts'
import { ConfigurationError } from '../../src/engine/errors.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { newerSecret, secret } from '../engine/support/start.ts'
import { imported, input, ip, start } from './api-key-scene.ts'

describe('an API key', () => {
  it('is shown once and kept as a digest', async () => {
    const { apiKeys, store } = start()
    const { key, token } = await apiKeys.create(input)
    expect(key).toMatchObject({ ...input, networks: [], expiresAt: null, lastUsedAt: null, revokedAt: null })
    const stored = JSON.stringify(await store.apiKeys.list({ limit: 10 }))
    const { items } = await apiKeys.list({ owner: 'alice', limit: 10 })
    expect(stored).not.toContain(token.slice(45, 80))
    expect(JSON.stringify([key, items])).not.toMatch(/digest|hfk1_/)
    expect(items).toEqual([key])
  })

  it('gives nothing to whoever has the database, and nothing to whoever has the secret alone', async () => {
    const { apiKeys, store, reasonOf } = start()
    const { key, token } = await apiKeys.create(input)
    const record = await store.apiKeys.get(key.id)
    const digest = record?.digest ?? ''
    for (const guess of [digest, `hfk1_${digest}`, key.id, token.replace(/.{43}$/, digest)])
      expect(await reasonOf(guess)).not.toBe('live')
    // Signed with the right key, of the right id, but of another secret: the tag is right and the digest is not.
    const forger = createApiKeys({ store: memoryStore().apiKeys, secret, random: seededRandom(1), clock: fakeClock() })
    const twin = await forger.create(input)
    expect(twin.key.id).toBe(key.id)
    await store.apiKeys.insert({ ...(record ?? never()), id: 'other' })
    expect(await reasonOf(twin.token)).toBe('live')
    const elsewhere = memoryStore().apiKeys
    await elsewhere.insert({ ...(record ?? never()), digest: 'A'.repeat(43) })
    const robbed = createApiKeys({ store: elsewhere, secret, clock: fakeClock() })
    expect(await robbed.check(token, { ip })).toEqual({ status: 'dead', reason: 'unknown' })
  })

  it('tells which secret signed it, and so ends it', async () => {
    const { apiKeys: before, store } = start({ acceptImported: true })
    const { key: old } = await before.create(input)
    const foreign = await before.import({ ...input, token: imported })
    const after = createApiKeys({ store: store.apiKeys, secret: [newerSecret, secret] })
    const { key: young } = await after.create(input)
    expect([old, young, foreign].map(({ id }) => after.signerOf(id))).toEqual([1, 0, undefined])
    expect(createApiKeys({ store: store.apiKeys, secret: newerSecret }).signerOf(old.id)).toBe(-1)
  })

  it('fails in five ways, each with an event that has the address and no secret', async () => {
    const { apiKeys, clock, events, reasonOf } = start()
    const near = await apiKeys.create({ ...input, networks: ['198.51.100.0/24'] })
    const brief = await apiKeys.create({ ...input, expiresAt: clock.now() + 1000 })
    const ended = await apiKeys.create(input)
    await apiKeys.revoke(ended.key.id)
    clock.advance(1000)
    events.length = 0
    const presented = [
      [undefined, 'missing', 'api_key_missing', null],
      ['nonsense', 'malformed', 'api_key_malformed', null],
      [near.token.slice(0, -1) + (near.token.endsWith('A') ? 'B' : 'A'), 'unknown', 'api_key_unknown', null],
      [brief.token, 'expired', 'api_key_use_after_end', 'alice'],
      [ended.token, 'revoked', 'api_key_use_after_end', 'alice'],
      [near.token, 'source-not-allowed', 'api_key_source_refused', 'alice'],
    ] as const
    for (const [token, reason, kind, subject] of presented) {
      expect(await reasonOf(token)).toBe(reason)
      expect(events.pop()).toMatchObject({ kind, subject, ip, outcome: reason })
    }
    expect(events).toEqual([])
    expect(await reasonOf(near.token, '198.51.100.4')).toBe('live')
    expect(await reasonOf(near.token, undefined)).toBe('source-not-allowed')
  })

  it('is refused by its tag before the store is asked', async () => {
    const { apiKeys, store, reasonOf } = start()
    const { token } = await apiKeys.create(input)
    const others = createApiKeys({ store: memoryStore().apiKeys, secret: newerSecret })
    for (const forged of ['x', `${token.slice(0, -4)}AAAA`, (await others.create(input)).token, imported]) {
      expect(await reasonOf(forged)).toMatch(/^(?:malformed|unknown)$/)
    }
    expect(store.calls('apiKeys.get')).toBe(0)
  })

  it('is dead on every node at the next use after its end, also when its owner ends', async () => {
    const active = new Set(['alice', 'bob'])
    const { apiKeys, store, reasonOf } = start({ isOwnerActive: (owner) => active.has(owner) })
    const node = createApiKeys({ store: store.apiKeys, secret })
    const first = await apiKeys.create(input)
    const second = await apiKeys.create(input)
    const bobs = await apiKeys.create({ ...input, owner: 'bob' })
    expect(await node.revoke(first.key.id, { owner: 'bob' })).toBe(false)
    expect(await reasonOf(first.token)).toBe('live')
    expect(await node.revoke(first.key.id, { owner: 'alice' })).toBe(true)
    expect(await reasonOf(first.token)).toBe('revoked')
    expect(await node.revokeOwner('alice')).toEqual([second.key.id])
    expect(await reasonOf(second.token)).toBe('revoked')
    expect(await reasonOf(bobs.token)).toBe('live')
    active.delete('bob')
    expect(await reasonOf(bobs.token)).toBe('owner-ended')
  })

  it('is found by its id, also once it has ended, and nothing is asked for what is no id', async () => {
    const { apiKeys, store } = start()
    const { key } = await apiKeys.create(input)
    expect(await apiKeys.get(key.id)).toEqual(key)
    await apiKeys.revoke(key.id)
    expect((await apiKeys.get(key.id))?.revokedAt).not.toBeNull()
    expect(await apiKeys.get('AAAA')).toBeUndefined()
    const asked = store.calls('apiKeys.get')
    for (const id of ['', 'a b', 'x'.repeat(129), '{keys}']) expect(await apiKeys.get(id)).toBeUndefined()
    expect(store.calls('apiKeys.get')).toBe(asked)
  })

  it('keeps the limit of an owner among 64 callers at once, and says so', async () => {
    const { apiKeys } = start({ keysPerOwner: 5 })
    const made = await Promise.allSettled(Array.from({ length: 64 }, () => apiKeys.create(input)))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    await expect(apiKeys.create(input)).rejects.toMatchObject({ code: 'conflict' })
    expect((await apiKeys.create({ ...input, owner: 'bob' })).key.owner).toBe('bob')
  })

  it('is revoked once by 64 callers at once', async () => {
    const { apiKeys, events } = start()
    const { key } = await apiKeys.create(input)
    const revoked = await Promise.all(Array.from({ length: 64 }, () => apiKeys.revoke(key.id)))
    expect(revoked.filter(Boolean)).toHaveLength(1)
    expect(events.filter(({ kind }) => kind === 'api_key_revoked')).toHaveLength(1)
  })

  it('records its last use at most once a minute, and lives when that fails', async () => {
    const { apiKeys, clock, store, faults, reasonOf } = start()
    const { key, token } = await apiKeys.create(input)
    for (let use = 0; use < 10; use += 1) expect(await reasonOf(token)).toBe('live')
    expect(store.calls('apiKeys.touch')).toBe(1)
    expect(await store.apiKeys.get(key.id)).toMatchObject({ lastUsedAt: clock.now(), lastUsedIp: ip })
    clock.advance(60_000)
    store.plan({ mode: 'fail-before', on: 'apiKeys.touch' })
    expect(await reasonOf(token)).toBe('live')
    expect(faults).toHaveLength(1)
    expect(await reasonOf(token)).toBe('live')
    expect((await store.apiKeys.get(key.id))?.lastUsedAt).toBe(clock.now())
  })
})

describe('a key made elsewhere', () => {
  it('is known only where imported keys are accepted', async () => {
    const { apiKeys, store, reasonOf } = start({ acceptImported: true })
    const key = await apiKeys.import({ ...input, token: imported })
    expect(key.id).not.toContain(imported.slice(0, 8))
    expect(await reasonOf(imported)).toBe('live')
    expect(await reasonOf(`${imported.slice(0, -1)}e`)).toBe('unknown')
    const strict = createApiKeys({ store: store.apiKeys, secret })
    expect(await strict.check(imported, { ip })).toEqual({ status: 'dead', reason: 'malformed' })
  })

  it('is refused twice, and when it could be guessed', async () => {
    const { apiKeys } = start({ acceptImported: true })
    await apiKeys.import({ ...input, token: imported })
    await expect(apiKeys.import({ ...input, token: imported })).rejects.toMatchObject({ code: 'conflict' })
    await expect(apiKeys.import({ ...input, token: 'a'.repeat(64) })).rejects.toMatchObject({ code: 'invalid-request' })
  })
})

describe('bad input', () => {
  it.each([
    ['owner', { owner: '' }],
    ['owner', { owner: 'a'.repeat(257) }],
    ['name', { name: ' ' }],
    ['name', { name: 'a\u0000' }],
    ['name', { name: 'x'.repeat(101) }],
    ['scopes', { scopes: ['a b'] }],
    ['scopes', { scopes: ['read', 'read'] }],
    ['scopes', { scopes: Array.from({ length: 33 }, (_, at) => `s${at}`) }],
    ['networks', { networks: ['0.0.0.0/0'] }],
    ['networks', { networks: ['intranet'] }],
    ['expiresAt', { expiresAt: 0 }],
    ['expiresAt', { expiresAt: Number.NaN }],
    ['expiresAt', { expiresAt: 1e15 }],
    ['network', { network: ['192.0.2.0/24'] }],
    ['expires', { expires: 1e12 }],
  ])('is refused by the name of its field: %s', async (field, wrong) => {
    const { apiKeys, store } = start()
    await expect(apiKeys.create({ ...input, ...wrong })).rejects.toMatchObject({ code: 'invalid-request', fields: [{ field }] })
    expect(store.calls()).toBe(0)
  })

  // biome-ignore lint/suspicious/noExplicitAny: what this is about is that nobody checked the types.
  it.each<[name: string, field: string, call: (apiKeys: any, id: string) => unknown]>([
    ['create of nothing', 'input', (apiKeys) => apiKeys.create()],
    ['import of a token alone', 'input', (apiKeys) => apiKeys.import(imported)],
    ['list of nobody in particular', 'owner', (apiKeys) => apiKeys.list({ owner: undefined, limit: 10 })],
    ['list by a misspelt filter', 'user', (apiKeys) => apiKeys.list({ user: 'alice', limit: 10 })],
    ['revoke for nobody in particular', 'owner', (apiKeys, id) => apiKeys.revoke(id, { owner: undefined })],
    ['revoke for a misspelt one', 'user', (apiKeys, id) => apiKeys.revoke(id, { user: 'bob' })],
    ['sweep of what ended never', 'endedBefore', (apiKeys) => apiKeys.sweep(undefined, 10)],
    ['sweep without a bound', 'limit', (apiKeys) => apiKeys.sweep(5)],
    ['revokeOwner of nobody', 'owner', (apiKeys) => apiKeys.revokeOwner(undefined)],
  ])('is refused before anything is done: %s', async (_name, field, call) => {
    const { apiKeys, store } = start({ acceptImported: true })
    const { key } = await apiKeys.create(input)
    const before = store.calls()
    await expect(call(apiKeys, key.id)).rejects.toMatchObject({ code: 'invalid-request', fields: [{ field }] })
    expect(store.calls()).toBe(before)
  })

  it('is no key: it is malformed, and no fault of the store', async () => {
    const { apiKeys, store } = start()
    for (const token of [null, 5, ['hfk1_x'], {}]) {
      expect(await apiKeys.check(token as never, { ip })).toEqual({ status: 'dead', reason: 'malformed' })
    }
    expect(await apiKeys.check(undefined, undefined as never)).toEqual({ status: 'dead', reason: 'missing' })
    expect([await apiKeys.get(undefined as never), await apiKeys.revoke(undefined as never)]).toEqual([undefined, false])
    expect(store.calls()).toBe(0)
  })

  it('is refused in the options', () => {
    const { apiKeys: store } = memoryStore()
    for (const wrong of [
      { secret: 'short' },
      { secret: undefined },
      { secret: [] },
      { secret: [secret, 'x'] },
      { keysPerOwner: 0 },
      // What has methods of the same names, for sessions.
      { store: memoryStore() as never },
      { store: undefined as never },
    ]) {
      expect(() => createApiKeys({ store, secret, ...wrong })).toThrow(ConfigurationError)
    }
  })
})

function never(): never {
  throw new Error('the record is there')
}
