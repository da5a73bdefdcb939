/** The event log. */
import assert from 'node:assert/strict'
import type { ChainedEvent } from '../../store/event-log.ts'
import type { Store } from '../../store/store.ts'
import { awkwardAttributes, type Checks, callers, parallel, start } from './check.ts'

function event(number: number, kind = 'session_created'): ChainedEvent {
  return { at: start + number, kind, data: { number }, hash: `hash ${number}`, previous: `hash ${number - 1}` }
}

const most = { limit: 1000 }

/** Appends at the end, as callers do that lose a race now and then; returns the sequence of the last one. */
async function appendSoon(store: Store, events: readonly ChainedEvent[]): Promise<number> {
  for (;;) {
    const after = (await store.eventLog.last())?.sequence ?? 0
    if (await store.eventLog.append(events, after)) return after + events.length
  }
}

async function sequences(store: Store, query: Partial<{ after: number; kind: string; limit: number }> = {}): Promise<number[]> {
  return (await store.eventLog.read({ ...most, ...query })).map(({ sequence }) => sequence)
}

export const eventLogChecks: Checks = {
  'numbers events from 1 in the given order, and gives them back whole': async ({ store, other }) => {
    const rich = { at: start, kind: 'session_revoked', data: awkwardAttributes, hash: 'h'.repeat(128), previous: '' }
    assert.equal(await store.eventLog.last(), undefined)
    assert.equal(await store.eventLog.append([event(1), event(2)], 0), true)
    assert.equal(await other.eventLog.append([rich], 2), true)
    assert.deepEqual(await store.eventLog.read(most), [
      { sequence: 1, ...event(1) },
      { sequence: 2, ...event(2) },
      { sequence: 3, ...rich },
    ])
    assert.deepEqual(await store.eventLog.last(), { sequence: 3, ...rich })
  },
  'appends nothing unless the latest event is the one named': async ({ store, other }) => {
    for (const after of [-1, 1, 0.5]) assert.equal(await store.eventLog.append([event(1)], after), false)
    assert.equal(await store.eventLog.append([event(1), event(2)], 0), true)
    for (const after of [0, 1, 3]) assert.equal(await other.eventLog.append([event(3)], after), false)
    assert.deepEqual(await sequences(store), [1, 2])
    assert.deepEqual((await other.eventLog.last())?.hash, 'hash 2')
  },
  'takes an empty batch': async ({ store }) => {
    assert.equal(await store.eventLog.append([], 0), true)
    await store.eventLog.append([event(1)], 0)
    assert.equal(await store.eventLog.append([], 0), false)
    assert.equal(await store.eventLog.append([], 1), true)
    assert.deepEqual(await sequences(store), [1])
  },
  'reads after a sequence, of a kind, up to a limit': async ({ store }) => {
    await store.eventLog.append(
      [1, 2, 3, 4, 5, 6].map((number) => event(number, number % 2 === 0 ? 'even' : 'odd')),
      0,
    )
    assert.deepEqual(await sequences(store, { after: 4 }), [5, 6])
    assert.deepEqual(await sequences(store, { kind: 'even', limit: 2 }), [2, 4])
    assert.deepEqual(await sequences(store, { kind: 'odd', after: 1 }), [3, 5])
    assert.deepEqual(await sequences(store, { kind: 'none' }), [])
  },
  'has one winner among parallel callers that append after the same event': async ({ store, all }) => {
    await store.eventLog.append([event(0)], 0)
    const won = await parallel(all, callers, (each, caller) => each.eventLog.append([event(caller), event(caller)], 1))
    assert.equal(won.filter(Boolean).length, 1)
    const events = await store.eventLog.read(most)
    assert.deepEqual(
      events.map(({ data }) => data.number),
      [0, won.indexOf(true), won.indexOf(true)],
    )
  },
  'keeps batches of parallel callers together and without gaps': async ({ store, all }) => {
    const last = await parallel(all, callers / 4, (each, caller) =>
      appendSoon(each, [event(caller), event(caller), event(caller)]),
    )
    assert.deepEqual(
      await sequences(store),
      Array.from({ length: (callers / 4) * 3 }, (_, at) => at + 1),
    )
    const events = await store.eventLog.read(most)
    for (const [caller, sequence] of last.entries()) {
      const own = events.slice(sequence - 3, sequence).map(({ data }) => data.number)
      assert.deepEqual(own, [caller, caller, caller])
    }
  },
  'sweeps only from the old end': async ({ store }) => {
    await store.eventLog.append([event(1), event(2), event(9), event(3)], 0)
    assert.equal(await store.eventLog.sweep(start + 5, 1), 1)
    assert.equal(await store.eventLog.sweep(start + 5, 10), 1)
    assert.equal(await store.eventLog.sweep(start + 5, 10), 0)
    assert.deepEqual(await sequences(store), [3, 4])
  },
  'never takes the latest event, and goes on counting from it': async ({ store, other }) => {
    await store.eventLog.append([event(1), event(2), event(3)], 0)
    assert.equal(await store.eventLog.sweep(start + 100, 10), 2)
    assert.equal(await other.eventLog.sweep(start + 100, 10), 0)
    assert.deepEqual(await other.eventLog.last(), { sequence: 3, ...event(3) })
    assert.equal(await other.eventLog.append([event(4)], 0), false)
    assert.equal(await other.eventLog.append([event(4)], 3), true)
    assert.equal(await store.eventLog.sweep(start + 100, 10), 1)
    assert.deepEqual(await store.eventLog.read(most), [{ sequence: 4, ...event(4) }])
  },
}
