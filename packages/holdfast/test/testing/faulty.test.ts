import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { sample, sampleId } from '../../src/testing/contract/check.ts'
import { faultyStore, storeContract } from '../../src/testing/index.ts'

describe('a faulty store without a plan keeps the contract', () => {
  storeContract({ describe, it }, () => ({ stores: [faultyStore(memoryStore())], close: () => undefined }))
})

describe('a faulty store', () => {
  it('fails the n-th call of a kind, before it did anything', async () => {
    const store = faultyStore(memoryStore(), { mode: 'fail-before', on: 'insert', nth: 2 })
    await store.insert(sample(1))
    expect(await store.get(sampleId(1))).toBeDefined()
    expect(() => store.insert(sample(2))).toThrow('planned fault: insert')
    expect(await store.get(sampleId(2))).toBeUndefined()
    expect((await store.insert(sample(2))).inserted).toBe(true)
    expect([store.calls('insert'), store.calls('get'), store.calls()]).toEqual([3, 2, 5])
  })

  it('fails after it did it, as when the answer is lost', async () => {
    const error = new Error('connection reset')
    const store = faultyStore(memoryStore(), { mode: 'fail-after', on: ['insert', 'tickets.put'], error })
    await expect(store.insert(sample(1))).rejects.toBe(error)
    expect(await store.get(sampleId(1))).toBeDefined()
    expect(await store.tickets.put({ id: 't', expiresAt: 1, data: null })).toBe(true)
  })

  it('fails any call, for as long as it is told, until healed', async () => {
    const store = faultyStore(memoryStore())
    store.plan({ mode: 'fail-before', times: Number.POSITIVE_INFINITY })
    for (const call of [() => store.get(''), () => store.counters.read('k', 0), () => store.eventLog.append([], 0)]) {
      expect(call).toThrow('planned fault')
    }
    expect(() => store.changes?.confirm(0, 0)).toThrow('planned fault: changes.confirm')
    store.heal()
    expect(await store.get('')).toBeUndefined()
    expect(store.changes?.confirm(0, 0)).toBe(true)
  })

  it('counts the calls of a plan from when it was made', async () => {
    const store = faultyStore(memoryStore())
    await store.get('')
    store.plan({ mode: 'fail-before', on: 'get', nth: 2 })
    await store.get('')
    expect(() => store.get('')).toThrow('planned fault')
  })

  it('holds calls before or after they take effect, until released', async () => {
    const store = faultyStore(memoryStore(), { mode: 'hold-before', on: 'insert' }, { mode: 'hold-after', on: 'insert', nth: 2 })
    const first = store.insert(sample(1))
    const second = store.insert(sample(2))
    await Promise.resolve()
    await Promise.resolve()
    expect(store.held).toBe(2)
    expect(await store.get(sampleId(1))).toBeUndefined()
    expect(await store.get(sampleId(2))).toBeDefined()
    store.release()
    expect(await Promise.all([first, second])).toHaveLength(2)
    expect(await store.get(sampleId(1))).toBeDefined()
    expect(store.held).toBe(0)
  })
})
