/** API keys. */
import assert from 'node:assert/strict'
import type { ApiKeyQuery, ApiKeyRecord } from '../../store/api-keys.ts'
import type { Store } from '../../store/store.ts'
import { type Checks, callers, minute, parallel, start } from './check.ts'

const later = start + minute

/** A usable key of `alice`, created `number` ms after the start. */
export function sampleKey(number: number, changes: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    id: `key-${String(number).padStart(3, '0')}`,
    owner: 'alice',
    name: `key ${number}`,
    digest: `${String(number % 10).repeat(42)}A`,
    scopes: [],
    networks: [],
    createdAt: start + number,
    expiresAt: null,
    lastUsedAt: null,
    lastUsedIp: null,
    revokedAt: null,
    ...changes,
  }
}

const full: ApiKeyRecord = sampleKey(1, {
  owner: 'Zoë "🗝"',
  name: "it's \\ \u0001",
  scopes: ['read', 'write:things'],
  networks: ['192.0.2.0/24', '2001:db8::/32'],
  expiresAt: later,
  lastUsedAt: start + 5,
  lastUsedIp: '2001:db8::1',
  revokedAt: start + 9,
})

async function idsOf(store: Store, query: Partial<ApiKeyQuery> = {}): Promise<string[]> {
  return (await store.apiKeys.list({ limit: 1000, ...query })).items.map(({ id }) => id)
}

export const apiKeyChecks: Checks = {
  'gives a key back whole, and nothing for an unknown id': async ({ store, other }) => {
    assert.equal(await store.apiKeys.insert(full), true)
    assert.deepEqual(await other.apiKeys.get(full.id), full)
    assert.deepEqual((await other.apiKeys.list({ owner: full.owner, limit: 1 })).items, [full])
    for (const id of ['', 'key', 'KEY-001', 'key-001 ']) assert.equal(await store.apiKeys.get(id), undefined)
  },
  'throws when the id exists, and keeps the first key': async ({ store, all }) => {
    const inserted = await parallel(all, callers, async (each, caller) => {
      try {
        return await each.apiKeys.insert(sampleKey(1, { owner: `owner ${caller}` }))
      } catch {
        return false
      }
    })
    assert.equal(inserted.filter(Boolean).length, 1)
    assert.equal((await store.apiKeys.get('key-001'))?.owner, `owner ${inserted.indexOf(true)}`)
    const cap = { max: 1, now: start }
    const again = async () => store.apiKeys.insert(sampleKey(1, { owner: `owner ${inserted.indexOf(true)}` }), cap)
    await assert.rejects(again, 'an existing id is a fault also when the cap is full')
  },
  'keeps the cap among parallel insertions': async ({ store, all }) => {
    const inserted = await parallel(all, callers, (each, caller) =>
      each.apiKeys.insert(sampleKey(caller), { max: 5, now: later }),
    )
    assert.equal(inserted.filter(Boolean).length, 5)
    assert.equal((await idsOf(store)).length, 5)
    assert.equal(await store.apiKeys.insert(sampleKey(99, { owner: 'bob' }), { max: 5, now: later }), true)
  },
  'counts neither revoked nor expired keys in the cap': async ({ store }) => {
    await store.apiKeys.insert(sampleKey(1, { expiresAt: start + 10 }))
    await store.apiKeys.insert(sampleKey(2))
    await store.apiKeys.revoke('key-002', start + 10)
    assert.equal(await store.apiKeys.insert(sampleKey(3), { max: 1, now: start + 9 }), false)
    assert.equal(await store.apiKeys.insert(sampleKey(3), { max: 1, now: start + 10 }), true)
  },
  'gives a record that belongs to the caller': async ({ store }) => {
    const scopes = ['read']
    await store.apiKeys.insert(sampleKey(1, { scopes }))
    scopes.push('write')
    const record = await store.apiKeys.get('key-001')
    Object.assign(record?.scopes ?? {}, { 1: 'admin' })
    assert.deepEqual((await store.apiKeys.get('key-001'))?.scopes, ['read'])
  },
  'lists newest first, of one owner or of all, by cursor': async ({ store, other }) => {
    for (const number of [3, 1, 5, 2, 4])
      await store.apiKeys.insert(sampleKey(number, { owner: number % 2 === 0 ? 'bob' : 'alice' }))
    await store.apiKeys.insert(sampleKey(6, { createdAt: start + 5 }))
    assert.deepEqual(await idsOf(other), ['key-006', 'key-005', 'key-004', 'key-003', 'key-002', 'key-001'])
    assert.deepEqual(await idsOf(other, { owner: 'bob' }), ['key-004', 'key-002'])
    assert.deepEqual(await idsOf(other, { owner: 'nobody' }), [])
    const first = await other.apiKeys.list({ owner: 'alice', limit: 2 })
    assert.deepEqual(first.next, { createdAt: start + 5, id: 'key-005' })
    await store.apiKeys.insert(sampleKey(7))
    const second = await other.apiKeys.list({ owner: 'alice', limit: 2, ...(first.next && { after: first.next }) })
    assert.deepEqual([second.items.map(({ id }) => id), second.next], [['key-003', 'key-001'], undefined])
    assert.deepEqual(await idsOf(other, { after: { createdAt: start + 4, id: 'key-004' } }), ['key-003', 'key-002', 'key-001'])
  },
  'moves the last use forward only, with its address': async ({ store, all }) => {
    await store.apiKeys.insert(sampleKey(1))
    await parallel(all, callers, (each, caller) => each.apiKeys.touch('key-001', start + caller, `192.0.2.${caller}`))
    await store.apiKeys.touch('key-001', start, 'earlier')
    await store.apiKeys.touch('none', later, null)
    const record = await store.apiKeys.get('key-001')
    assert.deepEqual([record?.lastUsedAt, record?.lastUsedIp], [start + callers - 1, `192.0.2.${callers - 1}`])
    assert.equal(await store.apiKeys.get('none'), undefined)
    await store.apiKeys.touch('key-001', later, null)
    assert.equal((await store.apiKeys.get('key-001'))?.lastUsedIp, null)
  },
  'does not touch a revoked key': async ({ store }) => {
    await store.apiKeys.insert(sampleKey(1))
    await store.apiKeys.revoke('key-001', start + 1)
    await store.apiKeys.touch('key-001', later, '192.0.2.1')
    assert.deepEqual(await store.apiKeys.get('key-001'), sampleKey(1, { revokedAt: start + 1 }))
  },
  'lets one of many parallel callers revoke': async ({ store, all }) => {
    await store.apiKeys.insert(sampleKey(1))
    const revoked = await parallel(all, callers, (each, caller) => each.apiKeys.revoke('key-001', start + caller))
    assert.equal(revoked.filter(Boolean).length, 1)
    assert.equal((await store.apiKeys.get('key-001'))?.revokedAt, start + revoked.indexOf(true))
    assert.equal(await store.apiKeys.revoke('none', later), false)
    assert.equal(await store.apiKeys.get('none'), undefined)
  },
  'revokes all of an owner, each key by one of many parallel callers': async ({ store, all }) => {
    for (const number of [1, 2, 3, 4, 5]) await store.apiKeys.insert(sampleKey(number, number === 5 ? { owner: 'bob' } : {}))
    await store.apiKeys.revoke('key-004', start)
    const revoked = await parallel(all, callers, (each) => each.apiKeys.revokeOwner('alice', later))
    assert.deepEqual(revoked.flat().sort(), ['key-001', 'key-002', 'key-003'])
    const ends = (await store.apiKeys.list({ limit: 10 })).items.map(({ revokedAt }) => revokedAt)
    assert.deepEqual(ends, [null, start, later, later, later])
    assert.deepEqual(await store.apiKeys.revokeOwner('nobody', later), [])
  },
  'sweeps what was revoked or expired, up to the limit': async ({ store }) => {
    await store.apiKeys.insert(sampleKey(1, { expiresAt: start + 1 }))
    await store.apiKeys.insert(sampleKey(2, { expiresAt: start + 2 }))
    await store.apiKeys.insert(sampleKey(3))
    await store.apiKeys.revoke('key-003', start + 2)
    await store.apiKeys.insert(sampleKey(4, { expiresAt: start + 3 }))
    await store.apiKeys.insert(sampleKey(5))
    assert.deepEqual([await store.apiKeys.sweep(start + 2, 2), await store.apiKeys.sweep(start + 2, 2)], [2, 1])
    assert.equal(await store.apiKeys.sweep(start + 2, 2), 0)
    assert.deepEqual(await idsOf(store, { owner: 'alice' }), ['key-005', 'key-004'])
    assert.equal(await store.apiKeys.get('key-001'), undefined)
  },
}
