/** The denylist. */
import assert from 'node:assert/strict'
import type { Denial } from '../../store/denylist.ts'
import type { Store } from '../../store/store.ts'
import { type Checks, callers, minute, parallel, start } from './check.ts'

const until = start + minute
const bySubject: Denial = { key: 'subject:alice', before: start, expiresAt: until }
const byToken: Denial = { key: 'jti:1', before: null, expiresAt: until }

async function found(store: Store, keys: readonly string[], now = start): Promise<readonly Denial[]> {
  const denials = await store.denylist.find(keys, now)
  return [...denials].sort((a, b) => (a.key < b.key ? -1 : 1))
}

export const denylistChecks: Checks = {
  'finds what was put, on every node, and nothing else': async ({ store, other }) => {
    await store.denylist.put(bySubject)
    await other.denylist.put(byToken)
    for (const each of [store, other]) {
      assert.deepEqual(await found(each, ['subject:alice', 'jti:1', 'jti:2']), [byToken, bySubject])
      assert.deepEqual(await found(each, ['jti:2', 'subject:bob', 'jti', 'subject:alic', 'SUBJECT:ALICE']), [])
      assert.deepEqual(await found(each, []), [])
    }
  },
  'finds any eight keys at once, each once': async ({ store, other }) => {
    const keys = Array.from({ length: 8 }, (_, number) => `digest:${'k'.repeat(192)}${number}`)
    for (const key of keys) await store.denylist.put({ ...byToken, key })
    assert.deepEqual(
      (await found(other, keys)).map(({ key }) => key),
      keys,
    )
    assert.equal((await found(other, [keys[0] ?? '', keys[0] ?? ''])).length, 1)
  },
  'takes keys of any text': async ({ store, other }) => {
    const keys = ['subject: ', 'subject:Zoë 🗝', 'subject:"}\\', 'subject:%_*', 'everything', '0']
    for (const key of keys) await store.denylist.put({ ...byToken, key })
    assert.deepEqual((await found(other, keys)).length, keys.length)
  },
  'keeps the later instant and the later end, each by itself, in any order': async ({ store, other }) => {
    const denials: readonly Denial[] = [
      { key: 'everything', before: start + 1, expiresAt: until },
      { key: 'everything', before: start, expiresAt: until + minute },
      { key: 'everything', before: start - 1, expiresAt: start },
    ]
    for (const order of [denials, denials.toReversed()]) {
      for (const denial of order) await store.denylist.put(denial)
      assert.deepEqual(await found(other, ['everything']), [{ key: 'everything', before: start + 1, expiresAt: until + minute }])
    }
  },
  'holds "whatever their age" for later than any instant': async ({ store, other }) => {
    await store.denylist.put({ ...bySubject, before: null })
    await other.denylist.put({ ...bySubject, before: until })
    assert.deepEqual(await found(store, ['subject:alice']), [{ ...bySubject, before: null }])
    await store.denylist.put({ ...byToken, before: start })
    await other.denylist.put({ ...byToken, before: null })
    assert.deepEqual(await found(store, ['jti:1']), [byToken])
  },
  'keeps the latest of what parallel callers put': async ({ store, all }) => {
    await parallel(all, callers, (each, caller) =>
      each.denylist.put({ key: 'subject:alice', before: start + ((caller * 7) % callers), expiresAt: until + caller }),
    )
    const latest = { key: 'subject:alice', before: start + callers - 1, expiresAt: until + callers - 1 }
    assert.deepEqual(await found(store, ['subject:alice']), [latest])
  },
  'says nothing from its end on': async ({ store }) => {
    await store.denylist.put(byToken)
    assert.deepEqual(await found(store, ['jti:1'], until - 1), [byToken])
    assert.deepEqual(await found(store, ['jti:1'], until), [])
  },
  'says whether a denial is durable': async ({ store }) => {
    assert.equal(typeof (await store.denylist.put(byToken)).durable, 'boolean')
  },
  'gives a denial that belongs to the caller': async ({ store }) => {
    const given = { ...byToken }
    await store.denylist.put(given)
    given.expiresAt = start
    const [first] = await found(store, ['jti:1'])
    Object.assign(first ?? {}, { expiresAt: start })
    assert.deepEqual(await found(store, ['jti:1']), [byToken])
  },
  'sweeps ended denials up to the limit': async ({ store }) => {
    for (let number = 0; number < 5; number += 1) {
      await store.denylist.put({ key: `jti:${number}`, before: null, expiresAt: start + number })
    }
    assert.deepEqual([await store.denylist.sweep(start + 2, 2), await store.denylist.sweep(start + 2, 2)], [2, 1])
    assert.equal((await found(store, ['jti:0', 'jti:1', 'jti:2', 'jti:3', 'jti:4'], start - 1)).length, 2)
  },
  'spares a denial that was lengthened': async ({ store, other }) => {
    await store.denylist.put({ ...byToken, expiresAt: start })
    await other.denylist.put(byToken)
    assert.equal(await store.denylist.sweep(start, 10), 0)
    assert.deepEqual(await found(store, ['jti:1']), [byToken])
  },
}
