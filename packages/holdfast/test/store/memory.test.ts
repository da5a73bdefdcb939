import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionId, SessionRecord, Store } from '../../src/store/store.ts'
import { everyRecord, sample, sampleId } from '../../src/testing/contract/check.ts'
import { seededRandom, storeContract } from '../../src/testing/index.ts'

describe('the memory store keeps the contract', () => {
  storeContract({ describe, it }, () => ({ stores: [memoryStore()], close: () => undefined }))
})

async function idsOf(store: Store): Promise<SessionId[]> {
  return (await everyRecord(store)).map(({ id }) => id).sort()
}

describe('a full memory store', () => {
  const anonymous = (number: number, changes: Partial<SessionRecord> = {}) => sample(number, { subject: null, ...changes })

  it('gives up what has ended before anything live', async () => {
    const store = memoryStore({ maxSessions: 3 })
    await store.insert(anonymous(1))
    await store.insert(sample(2, { idleExpiresAt: sample(9).createdAt }))
    await store.insert(sample(3))
    expect(await store.insert(sample(9))).toEqual({ inserted: true, evicted: [] })
    expect(await idsOf(store)).toEqual([sampleId(1, null), sampleId(3), sampleId(9)].sort())
  })

  it('gives up the oldest anonymous session next, and reports and tells it', async () => {
    const store = memoryStore({ maxSessions: 3 })
    const told: unknown[] = []
    store.changes?.subscribe((ids) => told.push(ids))
    for (const number of [5, 4]) await store.insert(anonymous(number))
    await store.insert(sample(1))
    expect(await store.insert(sample(9))).toEqual({ inserted: true, evicted: [sampleId(4, null)] })
    expect(told).toEqual([[sampleId(4, null)]])
    expect(await store.get(sampleId(4, null))).toBeUndefined()
  })

  it('ends no sign-in for another: it throws and changes nothing', async () => {
    const store = memoryStore({ maxSessions: 2 })
    for (const number of [1, 2]) await store.insert(sample(number))
    const before = await everyRecord(store)
    expect(() => store.insert(sample(9, { subject: 'bob' }))).toThrow('full')
    expect(() => store.insert(anonymous(10))).toThrow('full')
    expect(await everyRecord(store)).toEqual(before)
  })

  it('uses the place of a session that the cap evicts or that is replaced', async () => {
    const store = memoryStore({ maxSessions: 2 })
    for (const number of [1, 2]) await store.insert(sample(number))
    const cap = { max: 2, now: sample(9).createdAt, whenFull: 'evict-oldest' } as const
    expect(await store.insert(sample(3), cap)).toEqual({ inserted: true, evicted: [sampleId(1)] })
    expect(await store.insert(sample(4), { ...cap, replaces: sampleId(2) })).toEqual({ inserted: true, evicted: [] })
    expect(await idsOf(store)).toEqual([sampleId(3), sampleId(4)])
  })

  it('gives up what was put out with everyone', async () => {
    const store = memoryStore({ maxSessions: 2 })
    for (const number of [1, 2]) await store.insert(sample(number))
    await store.revoke({ everyone: true }, { at: sample(1).createdAt, reason: 'everyone-out' })
    expect(await store.insert(sample(9))).toEqual({ inserted: true, evicted: [] })
  })

  it('takes any number of anonymous visitors without growing', async () => {
    const store = memoryStore({ maxSessions: 100 })
    for (let number = 0; number < 5000; number += 1) await store.insert(anonymous(number))
    expect(await idsOf(store)).toHaveLength(100)
    expect(await store.get(sampleId(4999, null))).toBeDefined()
  })

  it('forgets no ticket early', async () => {
    const { tickets } = memoryStore({ maxTickets: 2 })
    for (const id of ['a', 'b']) await tickets.put({ id, expiresAt: 1, data: null })
    expect(() => tickets.put({ id: 'c', expiresAt: 9, data: null })).toThrow('full')
    expect(tickets.put({ id: 'a', expiresAt: 9, data: null })).toBe(false)
    expect(tickets.sweep(1, 1)).toBe(1)
    expect(tickets.put({ id: 'c', expiresAt: 9, data: null })).toBe(true)
  })

  it('never frees a counter that locks something, however many new keys come', async () => {
    const { counters } = memoryStore({ maxCounters: 50 })
    const window = { now: 0, windowMs: 1000 }
    await counters.add('locked', 1, { ...window, atMost: 1 })
    await counters.add('counted', 10, window)
    for (let key = 0; key < 10_000; key += 1) await counters.add(`flood:${key}`, 1 + (key % 3), window)
    expect((await counters.read('locked', 0))?.count).toBe(1)
    expect((await counters.read('counted', 0))?.count).toBe(10)
    expect(await counters.list('', 0, 1000)).toHaveLength(50)
  })

  it('gives up ended counters first, then the lowest, and throws when all lock something', async () => {
    const { counters } = memoryStore({ maxCounters: 3 })
    const window = { now: 10, windowMs: 1000 }
    const keys = async () => (await counters.list('', 10, 9)).map(({ key }) => key)
    await counters.add('spent', 5, { ...window, atMost: 5 })
    await counters.add('ended', 5, { now: 0, windowMs: 10 })
    await counters.add('high', 4, { ...window, atMost: 5 })
    await counters.add('low', 2, { ...window, atMost: 5 })
    expect(await keys()).toEqual(['high', 'low', 'spent'])
    await counters.add('next', 5, { ...window, atMost: 5 })
    expect(await keys()).toEqual(['high', 'next', 'spent'])
    await counters.add('high', 1, { ...window, atMost: 5 })
    expect(() => counters.add('more', 1, window)).toThrow('full')
    expect((await counters.add('spent', 1, { ...window, atMost: 5 })).count).toBe(6)
  })

  it('keeps the latest events', async () => {
    const { eventLog } = memoryStore({ maxEvents: 3 })
    const event = { kind: 'k', data: {}, hash: 'h', previous: 'p' }
    for (let at = 1; at <= 10; at += 1) await eventLog.append([{ ...event, at }], at - 1)
    expect((await eventLog.read({ limit: 10 })).map(({ sequence }) => sequence)).toEqual([8, 9, 10])
    expect(await eventLog.read({ limit: 10, after: 9 })).toEqual([{ sequence: 10, at: 10, ...event }])
  })

  it('refuses a bound that is none', () => {
    for (const maxSessions of [0, -1, 1.5, Number.NaN, 2 ** 30]) expect(() => memoryStore({ maxSessions })).toThrow(RangeError)
  })
})

describe('a memory store with thousands of sessions', () => {
  const random = seededRandom(7)
  const bytes = new Uint8Array(4)
  function below(limit: number): number {
    random(bytes)
    return new DataView(bytes.buffer).getUint32(0) % limit
  }

  it('lists and sweeps exactly what a plain model does', async () => {
    const store = memoryStore()
    const model = new Map<SessionId, SessionRecord>()
    const base = sample(0).createdAt
    for (let number = 0; number < 6000; number += 1) {
      const changes = { subject: below(3) === 0 ? null : `user-${below(50)}`, createdAt: base + below(2000) }
      const record = sample(number, { ...changes, idleExpiresAt: base + below(4000) })
      model.set(record.id, record)
      await store.insert(record)
      if (number % 100 !== 99) continue
      const until = base + below(4000)
      const ended = [...model.values()].filter(({ idleExpiresAt }) => idleExpiresAt <= until)
      expect(await store.sweep({ endedBefore: until, anonymousEndedBefore: until, limit: 10_000 })).toBe(ended.length)
      for (const { id } of ended) model.delete(id)
    }
    const expected = [...model.values()].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    expect(expected.length).toBeGreaterThan(100)
    expect(await everyRecord(store)).toEqual(expected)
    const own = expected.filter(({ subject }) => subject === null)
    expect((await store.list({ subject: null, limit: 1000 })).items).toEqual(own.slice(0, 1000))
    for (const record of expected) expect(await store.get(record.id)).toEqual(record)
  })
})
