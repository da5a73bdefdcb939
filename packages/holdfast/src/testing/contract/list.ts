/** Lists and their pages. */
import assert from 'node:assert/strict'
import type { ListQuery, SessionId, Store } from '../../store/store.ts'
import { type Checks, minute, sample, sampleId, start } from './check.ts'

/** Ids of all pages, with something done between two of them. */
async function walk(
  store: Store,
  query: ListQuery,
  between: (page: number) => Promise<void> = async () => {},
): Promise<SessionId[]> {
  const ids: SessionId[] = []
  let page = await store.list(query)
  for (let number = 0; ; number += 1) {
    assert.ok(page.items.length <= query.limit)
    ids.push(...page.items.map(({ id }) => id))
    if (page.next === undefined) return ids
    assert.ok(number < 100, 'the pages never end')
    await between(number)
    page = await store.list({ ...query, after: page.next })
  }
}

export const listChecks: Checks = {
  'is empty for an empty store': async ({ store }) => {
    assert.deepEqual(await store.list({ limit: 10 }), { items: [] })
  },
  'goes from the newest to the oldest, whatever the order of insertion': async ({ store }) => {
    for (const number of [3, 1, 5, 2, 4]) await store.insert(sample(number))
    assert.deepEqual(
      (await store.list({ limit: 10 })).items,
      [5, 4, 3, 2, 1].map((number) => sample(number)),
    )
  },
  'goes by id, descending, for sessions of one instant': async ({ store }) => {
    const ids = ['-', '0', 'A', 'Z', '_', 'a', 'z', '9'].map((character) => sampleId(1).slice(0, 23) + character)
    for (const id of ids) await store.insert(sample(1, { id, createdAt: start }))
    assert.deepEqual(await walk(store, { limit: 3 }), [...ids].sort().reverse())
  },
  'gives each record once, page by page': async ({ store }) => {
    for (let number = 0; number < 25; number += 1) {
      const subject = number % 5 === 0 ? null : 'alice'
      await store.insert(sample(number, { subject, createdAt: start + (number % 4) }))
    }
    for (const limit of [1, 7, 25, 1000]) {
      const ids = await walk(store, { limit })
      assert.equal(ids.length, 25)
      assert.equal(new Set(ids).size, 25)
    }
  },
  'has neither gaps nor repeats when records come and go between pages': async ({ store }) => {
    for (let number = 0; number < 20; number += 1) await store.insert(sample(number, { idleExpiresAt: start + minute }))
    const ids = await walk(store, { limit: 4 }, async (page) => {
      await store.insert(sample(100 + page, { idleExpiresAt: start + minute }))
      if (page !== 1) return
      // The record at which the page ended goes: the next one must not depend on it.
      await store.revoke({ id: sampleId(12) }, { at: start, reason: 'logout' })
      assert.equal(await store.sweep({ endedBefore: start, anonymousEndedBefore: start, limit: 10 }), 1)
    })
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, number) => sampleId(19 - number)),
    )
  },
  'keeps to one subject, or to the anonymous': async ({ store }) => {
    await store.insert(sample(1))
    await store.insert(sample(2, { subject: 'bob' }))
    await store.insert(sample(3, { subject: null }))
    await store.insert(sample(4))
    assert.deepEqual(await walk(store, { subject: 'alice', limit: 1 }), [sampleId(4), sampleId(1)])
    assert.deepEqual(await walk(store, { subject: null, limit: 1 }), [sampleId(3, null)])
    assert.deepEqual(await walk(store, { subject: 'nobody', limit: 1 }), [])
    assert.equal((await walk(store, { limit: 1 })).length, 4)
  },
  'leaves out what is not live at an instant': async ({ store }) => {
    await store.insert(sample(1, { idleExpiresAt: start + minute }))
    await store.insert(sample(2, { absoluteExpiresAt: start + minute }))
    await store.insert(sample(3, { idleExpiresAt: start + minute + 1 }))
    await store.insert(sample(4))
    await store.revoke({ id: sampleId(4) }, { at: start + 2 * minute, reason: 'admin' })
    assert.deepEqual(await walk(store, { liveAt: start + minute, limit: 1 }), [sampleId(3)])
    assert.deepEqual(await walk(store, { liveAt: start + minute, subject: 'alice', limit: 1 }), [sampleId(3)])
    assert.equal((await walk(store, { liveAt: start + minute - 1, limit: 10 })).length, 3)
  },
}
