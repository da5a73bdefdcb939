/** The event log. */
import assert from 'node:assert/strict'
import type { LoggedEvent } from '../../store/event-log.ts'
import { awkwardAttributes, type Checks, callers, parallel, start } from './check.ts'

function event(number: number, kind = 'session_created'): LoggedEvent {
  return { at: start + number, kind, data: { number } }
}

const most = { limit: 1000 }

export const eventLogChecks: Checks = {
  'numbers events from 1 in the given order, and gives them back whole': async ({ store, other }) => {
    const rich = { at: start, kind: 'session_revoked', data: awkwardAttributes }
    assert.equal(await store.eventLog.append([event(1), event(2)]), 2)
    assert.equal(await other.eventLog.append([rich]), 3)
    assert.deepEqual(await store.eventLog.read(most), [
      { sequence: 1, ...event(1) },
      { sequence: 2, ...event(2) },
      { sequence: 3, ...rich },
    ])
  },
  'takes an empty batch': async ({ store }) => {
    assert.equal(await store.eventLog.append([]), 0)
    await store.eventLog.append([event(1)])
    assert.equal(await store.eventLog.append([]), 1)
  },
  'reads after a sequence, of a kind, up to a limit': async ({ store }) => {
    await store.eventLog.append([1, 2, 3, 4, 5, 6].map((number) => event(number, number % 2 === 0 ? 'even' : 'odd')))
    const sequences = async (query: Partial<{ after: number; kind: string; limit: number }>) =>
      (await store.eventLog.read({ ...most, ...query })).map(({ sequence }) => sequence)
    assert.deepEqual(await sequences({ after: 4 }), [5, 6])
    assert.deepEqual(await sequences({ kind: 'even', limit: 2 }), [2, 4])
    assert.deepEqual(await sequences({ kind: 'odd', after: 1 }), [3, 5])
    assert.deepEqual(await sequences({ kind: 'none' }), [])
  },
  'keeps batches of parallel callers together and without gaps': async ({ store, all }) => {
    const last = await parallel(all, callers, (each, caller) => each.eventLog.append([0, 1, 2].map(() => event(caller))))
    const events = await store.eventLog.read(most)
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      Array.from({ length: callers * 3 }, (_, at) => at + 1),
    )
    for (const [caller, sequence] of last.entries()) {
      const own = events.slice(sequence - 3, sequence).map(({ data }) => data.number)
      assert.deepEqual(own, [caller, caller, caller])
    }
  },
  'sweeps only from the old end, and goes on counting': async ({ store }) => {
    await store.eventLog.append([event(1), event(2), event(9), event(3)])
    assert.equal(await store.eventLog.sweep(start + 5, 1), 1)
    assert.equal(await store.eventLog.sweep(start + 5, 10), 1)
    assert.equal(await store.eventLog.sweep(start + 5, 10), 0)
    assert.deepEqual(
      (await store.eventLog.read(most)).map(({ sequence }) => sequence),
      [3, 4],
    )
    assert.equal(await store.eventLog.sweep(start + 100, 10), 2)
    assert.equal(await store.eventLog.append([event(5)]), 5)
    assert.deepEqual(await store.eventLog.read(most), [{ sequence: 5, ...event(5) }])
  },
}
