/** The embedded stores hand out the record that they read before, as long as nothing of it has changed. */
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionRecord, Store } from '../../src/store/store.ts'
import { fullSample, sample, sampleId } from '../../src/testing/contract/check.ts'
import { useDatabaseFile } from './sqlite-file.ts'

const file = useDatabaseFile()
const stores: Readonly<Record<string, () => Store>> = {
  memory: () => memoryStore(),
  sqlite: () => file.open(),
}

const id = sampleId(1)
const record = fullSample(1)
const at = record.createdAt + 1000

/** All that can become of a session, and what must be seen of it then. */
const changes: Readonly<Record<string, readonly [change: (store: Store) => unknown, seen: Partial<SessionRecord> | undefined]>> =
  {
    'is replaced': [(store) => store.replace({ ...record, label: 'Laptop' }, 0), { label: 'Laptop', revision: 1 }],
    'is seen': [
      (store) => store.touch([{ id, seenAt: at, idleExpiresAt: record.idleExpiresAt, ip: '192.0.2.9' }]),
      { seenAt: at, lastIp: '192.0.2.9' },
    ],
    'gets more time': [
      (store) => store.touch([{ id, seenAt: record.seenAt, idleExpiresAt: record.idleExpiresAt + 1, ip: null }]),
      { idleExpiresAt: record.idleExpiresAt + 1 },
    ],
    'is revoked': [(store) => store.revoke({ id }, { at, reason: 'logout' }), { revokedAt: at, reason: 'logout' }],
    'is revoked with its subject': [
      (store) => store.revoke({ subject: 'alice' }, { at, reason: 'credential-change' }),
      { revokedAt: at, reason: 'credential-change' },
    ],
    'is put out with everyone': [
      (store) => store.revoke({ everyone: true }, { at, reason: 'everyone-out' }),
      { revokedAt: at, reason: 'everyone-out' },
    ],
    'is evicted': [
      (store) => store.insert(sample(2, { createdAt: at }), { max: 1, now: at, whenFull: 'evict-oldest' }),
      { revokedAt: at, reason: 'evicted' },
    ],
    'is swept': [(store) => store.sweep({ endedBefore: Number.MAX_SAFE_INTEGER, anonymousEndedBefore: 0, limit: 10 }), undefined],
  }

describe.each(Object.keys(stores))('%s', (name) => {
  const opened = async (): Promise<Store> => {
    const store = stores[name]?.() as Store
    await store.insert(record)
    return store
  }

  it('hands out the very same frozen record while nothing changes', async () => {
    const store = await opened()
    const first = await store.get(id)
    expect(first).toEqual(record)
    expect(Object.isFrozen(first)).toBe(true)
    expect(await store.get(id)).toBe(first)
    await store.insert(sample(2))
    await store.revoke({ id: sampleId(2) }, { at, reason: 'logout' })
    expect(await store.get(id)).toBe(first)
  })

  it.each(Object.entries(changes))('shows at once what a session that %s is now', async (_, [change, seen]) => {
    const store = await opened()
    await store.get(id)
    await change(store)
    const after = await store.get(id)
    if (seen === undefined) expect(after).toBeUndefined()
    else expect(after).toEqual({ ...record, ...seen })
  })

  it('shows the session that came in the place of one that was swept', async () => {
    const store = await opened()
    await store.get(id)
    await store.sweep({ endedBefore: Number.MAX_SAFE_INTEGER, anonymousEndedBefore: 0, limit: 10 })
    await store.insert(sample(3))
    expect(await store.get(sampleId(3))).toEqual(sample(3))
  })

  it('keeps no record with long attributes', async () => {
    const store = await opened()
    const long = sample(5, { attributes: { text: 'x'.repeat(3000) } })
    await store.insert(long)
    const first = await store.get(long.id)
    expect(first).toEqual(long)
    expect(await store.get(long.id)).not.toBe(first)
  })
})

it('the memory store keeps no more than 16,384 records', async () => {
  const store = memoryStore()
  await store.insert(record)
  const first = await store.get(id)
  for (let number = 2; number <= 16_385; number += 1) {
    await store.insert(sample(number, { subject: null }))
    await store.get(sampleId(number, null))
  }
  const again = await store.get(id)
  expect(again).toEqual(first)
  expect(again).not.toBe(first)
})
