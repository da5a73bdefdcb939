/** Counters. */
import assert from 'node:assert/strict'
import { type Checks, callers, parallel, start } from './check.ts'

const window = { now: start, windowMs: 1000 }

export const counterChecks: Checks = {
  'counts up within a window that it does not extend': async ({ store, other }) => {
    assert.deepEqual(await store.counters.add('k', 1, window), { count: 1, resetsAt: start + 1000 })
    assert.deepEqual(await other.counters.add('k', 2, { now: start + 999, windowMs: 5000 }), { count: 3, resetsAt: start + 1000 })
    assert.deepEqual(await store.counters.read('k', start + 999), { count: 3, resetsAt: start + 1000 })
  },
  'starts again when the window has ended': async ({ store }) => {
    await store.counters.add('k', 5, window)
    assert.equal(await store.counters.read('k', start + 1000), undefined)
    assert.deepEqual(await store.counters.add('k', 1, { now: start + 1000, windowMs: 10 }), { count: 1, resetsAt: start + 1010 })
  },
  'never passes its limit, and says when it would': async ({ store }) => {
    const limited = { ...window, atMost: 3 }
    assert.equal((await store.counters.add('k', 2, limited)).count, 2)
    assert.equal((await store.counters.add('k', 5, limited)).count, 4)
    assert.equal((await store.counters.read('k', start))?.count, 3)
    assert.equal((await store.counters.add('k', 1, limited)).count, 4)
    assert.equal((await store.counters.read('k', start))?.count, 3)
    assert.equal((await store.counters.add('fresh', 9, limited)).count, 4)
  },
  'loses no count of parallel callers': async ({ store, all }) => {
    const counts = await parallel(all, callers, (each) => each.counters.add('k', 1, window))
    assert.deepEqual(
      counts.map(({ count }) => count).sort((a, b) => a - b),
      Array.from({ length: callers }, (_, at) => at + 1),
    )
    assert.equal((await store.counters.read('k', start))?.count, callers)
  },
  'lets exactly the limit of parallel callers pass': async ({ all }) => {
    const counts = await parallel(all, callers, (each) => each.counters.add('k', 1, { ...window, atMost: 10 }))
    assert.equal(counts.filter(({ count }) => count <= 10).length, 10)
  },
  'forgets a counter when reset': async ({ store }) => {
    await store.counters.add('k', 1, window)
    assert.equal(await store.counters.reset('k'), true)
    assert.equal(await store.counters.reset('k'), false)
    assert.equal(await store.counters.read('k', start), undefined)
  },
  'lists running counters by key, from a prefix': async ({ store }) => {
    for (const key of ['b:2', 'a:1', 'b:1', 'b', 'b:3', 'c:1', 'b%']) await store.counters.add(key, 1, window)
    await store.counters.add('b:0', 1, { now: start, windowMs: 1 })
    const keys = async (prefix: string, limit: number) =>
      (await store.counters.list(prefix, start + 1, limit)).map(({ key }) => key)
    assert.deepEqual(await keys('b:', 10), ['b:1', 'b:2', 'b:3'])
    assert.deepEqual(await keys('b:', 2), ['b:1', 'b:2'])
    assert.equal((await keys('', 10)).length, 7)
    assert.deepEqual((await store.counters.list('a', start, 1))[0], { key: 'a:1', count: 1, resetsAt: start + 1000 })
  },
  'sweeps ended counters up to the limit': async ({ store }) => {
    for (let number = 1; number <= 5; number += 1) await store.counters.add(`k${number}`, 1, { now: start, windowMs: number })
    assert.deepEqual([await store.counters.sweep(start + 3, 2), await store.counters.sweep(start + 3, 2)], [2, 1])
    assert.equal((await store.counters.list('', start + 3, 10)).length, 2)
  },
}
