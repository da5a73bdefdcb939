import { describe, expect, it, vi } from 'vitest'
import { chain, verifyChain } from '../../src/defence/event-chain.ts'
import { createEventTrail } from '../../src/defence/event-trail.ts'
import type { SecurityEvent } from '../../src/engine/events.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import type { EventLog, StoredEvent } from '../../src/store/event-log.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { deferred, must, newerSecret, secret, settle } from '../engine/support/start.ts'

const nothing = { session: null, subject: null, actor: null, ip: null, object: null, reason: null, outcome: null }

function event(at: number): SecurityEvent {
  return { ...nothing, schema: 1, at, kind: 'session_created', session: `s${at}`, subject: 'alice', ip: '192.0.2.1' }
}

function open(log: EventLog, given: { capacity?: number; secrets?: [string, ...string[]] } = {}) {
  const clock = fakeClock()
  const onFault = vi.fn()
  return { clock, onFault, trail: createEventTrail({ log, secrets: [secret], clock, onFault, ...given }) }
}

async function filled(count: number): Promise<StoredEvent[]> {
  const log = memoryStore().eventLog
  const { trail } = open(log)
  for (let at = 1; at <= count; at += 1) trail.record(event(at))
  await trail.flush()
  return [...(await log.read({ limit: 1000 }))]
}

/** A log that holds what somebody left of one. */
function holding(events: readonly StoredEvent[]): EventLog {
  const log = memoryStore().eventLog
  return {
    ...log,
    read: ({ after = 0, limit }) => events.filter(({ sequence }) => sequence > after).slice(0, limit),
  }
}

const keyring = createKeyring([secret])

describe('the trail', () => {
  it('is a whole chain, in order, verified by an older secret as long as it is listed', async () => {
    const log = memoryStore().eventLog
    const { trail } = open(log)
    trail.record(event(1))
    trail.record(event(2))
    await trail.flush()
    const rotated = open(log, { secrets: [newerSecret, secret] }).trail
    rotated.record(event(3))
    await rotated.flush()
    expect((await log.read({ limit: 9 })).map(({ at }) => at)).toEqual([1, 2, 3])
    expect(await rotated.verify()).toMatchObject({ whole: true, events: 3, head: { sequence: 3 } })
    expect(await trail.verify()).toEqual({ whole: false, sequence: 3, problem: 'changed' })
  })

  it('tells a change of any byte', async () => {
    const events = await filled(3)
    const head = { sequence: 3, hash: must(events.at(-1)).hash }
    const text = JSON.stringify(events)
    let read = 0
    for (let at = 0; at < text.length; at += 1) {
      const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
      let stored: StoredEvent[]
      try {
        stored = JSON.parse(changed)
      } catch {
        continue
      }
      read += 1
      const told = await verifyChain(holding(stored), keyring, head).catch((fault: unknown) => fault)
      expect(told, `byte ${at}: ${changed.slice(Math.max(0, at - 20), at + 20)}`).not.toMatchObject({ whole: true })
    }
    expect(read).toBeGreaterThan(400)
  })

  it('tells what was removed, moved or cut, at every place', async () => {
    const events = await filled(6)
    const head = { sequence: 6, hash: must(events.at(-1)).hash }
    const renumbered = (list: StoredEvent[]) => list.map((one, at) => ({ ...one, sequence: at + 1 }))
    for (let at = 0; at < events.length; at += 1) {
      const without = events.toSpliced(at, 1)
      expect(await verifyChain(holding(without), keyring, head)).toMatchObject({ whole: false })
      if (at < 5) expect(await verifyChain(holding(renumbered(without)), keyring)).toMatchObject({ whole: false })
      for (let to = 0; to < events.length; to += 1) {
        if (to === at) continue
        const moved = renumbered(without.toSpliced(to, 0, must(events[at])))
        expect(await verifyChain(holding(moved), keyring)).toMatchObject({ whole: false })
      }
      expect(await verifyChain(holding(events.slice(0, at)), keyring, head)).toMatchObject({ problem: 'end-missing' })
      if (at > 0) expect(await verifyChain(holding(events.slice(at)), keyring)).toMatchObject({ problem: 'beginning-missing' })
    }
    expect(await verifyChain(holding(events), keyring, head)).toMatchObject({ whole: true })
  })

  it('is one chain of several nodes', async () => {
    const log = memoryStore().eventLog
    const slow: EventLog = {
      append: async (events, after) => log.append(events, after),
      last: async () => log.last(),
      read: async (query) => log.read(query),
      sweep: async (before, limit) => log.sweep(before, limit),
    }
    const nodes = Array.from({ length: 8 }, () => open(slow))
    for (let at = 1; at <= 20; at += 1) for (const { trail } of nodes) trail.record(event(at))
    await Promise.all(nodes.map(({ trail }) => trail.flush()))
    expect(await must(nodes[0]).trail.verify()).toMatchObject({ whole: true, events: 160 })
  })

  it('loses nothing within its bound while the store is away, and says what it lost beyond', async () => {
    const log = memoryStore().eventLog
    let isAway = true
    const flaky: EventLog = {
      append: (events, after) => log.append(events, after),
      last: () => {
        if (isAway) throw new Error('away')
        return log.last()
      },
      read: (query) => log.read(query),
      sweep: (before, limit) => log.sweep(before, limit),
    }
    const { trail, clock, onFault } = open(flaky, { capacity: 5 })
    for (let at = 1; at <= 8; at += 1) trail.record(event(at))
    await trail.flush()
    expect([trail.waiting, trail.lost, onFault.mock.calls.length]).toEqual([5, 3, 1])
    isAway = false
    clock.advance(1000)
    await settle()
    const events = await log.read({ limit: 99 })
    expect(events.map(({ kind }) => kind)).toEqual([...Array(5).fill('session_created'), 'events_lost'])
    expect(must(events.at(-1)).data.outcome).toBe('3')
    expect(await trail.verify()).toMatchObject({ whole: true, events: 6 })
  })

  it('appends a full batch at once, and what is less when its time has come', async () => {
    const log = memoryStore().eventLog
    const { trail, clock } = open(log)
    for (let at = 1; at <= 255; at += 1) trail.record(event(at))
    await settle()
    expect([trail.waiting, await log.last()]).toEqual([255, undefined])
    trail.record(event(256))
    await settle()
    expect([trail.waiting, (await log.last())?.sequence]).toEqual([0, 256])
    trail.record(event(257))
    await settle()
    clock.advance(249)
    await settle()
    expect(trail.waiting).toBe(1)
    clock.advance(1)
    await settle()
    expect((await log.last())?.sequence).toBe(257)
  })

  it.each([
    ['waits for its time', false],
    ['is appended when it was flushed', true],
  ])('an event that comes while a batch is appended %s', async (_, isFlushed) => {
    const log = memoryStore().eventLog
    const gate = deferred<void>()
    const append: EventLog['append'] = (events, after) => gate.promise.then(() => log.append(events, after))
    const { trail, clock } = open({ append, last: () => log.last(), read: (query) => log.read(query), sweep: () => 0 })
    for (let at = 1; at <= 256; at += 1) trail.record(event(at))
    await settle()
    trail.record(event(257))
    const flushing = isFlushed ? trail.flush() : undefined
    gate.resolve()
    for (let turn = 0; turn < 5; turn += 1) await settle()
    await flushing
    expect((await log.last())?.sequence).toBe(isFlushed ? 257 : 256)
    clock.advance(250)
    await settle()
    expect((await log.last())?.sequence).toBe(257)
  })

  it('asks a store that is away once in each interval, however many events come', async () => {
    const last = vi.fn(() => Promise.reject(new Error('away')))
    const { trail, clock } = open(Object.assign(memoryStore().eventLog, { last }))
    for (let round = 1; round <= 3; round += 1) {
      for (let at = 0; at < 300; at += 1) trail.record(event(at))
      await settle()
      clock.advance(249)
      await settle()
      expect(last).toHaveBeenCalledTimes(round)
      clock.advance(1)
      await settle()
      expect(last).toHaveBeenCalledTimes(round + 1)
    }
  })

  it('appends all that waits when it is closed, in order, and nothing after that', async () => {
    const log = memoryStore().eventLog
    const { trail, clock } = open(log)
    for (let at = 1; at <= 700; at += 1) trail.record(event(at))
    await trail.close()
    const appended = await log.read({ limit: 1000 })
    expect(appended.map(({ at }) => at)).toEqual(Array.from({ length: 700 }, (_, at) => at + 1))
    for (let at = 701; at <= 1000; at += 1) trail.record(event(at))
    await settle()
    clock.advance(1000)
    await settle()
    expect((await log.last())?.sequence).toBe(700)
  })

  it('chains what it did not make itself by its content, in whatever order a store gives the keys back', async () => {
    const log = memoryStore().eventLog
    const nested = { z: 1, a: { d: [1, { y: null, x: 2 }], c: 3 } }
    const chained = chain(keyring, [{ at: 1, kind: 'session_created', data: nested }], undefined)
    await log.append(chained, 0)
    const [stored] = await log.read({ limit: 1 })
    const verdictOf = (data: StoredEvent['data']) => verifyChain(holding([{ ...must(stored), data }]), keyring)
    expect(await verdictOf({ a: { c: 3, d: [1, { x: 2, y: null }] }, z: 1 })).toMatchObject({ whole: true })
    expect(await verdictOf({ a: { c: 3, d: [{ x: 2, y: null }, 1] }, z: 1 })).toMatchObject({ problem: 'changed' })
    expect(await verdictOf({ z: 1, a: { d: [1, { y: null, x: 2 }], c: '3' } })).toMatchObject({ problem: 'changed' })
  })

  it('lets requests have their turn between batches, on a store that answers at once', async () => {
    const { trail } = open(memoryStore().eventLog)
    for (let at = 1; at <= 1000; at += 1) trail.record(event(at))
    let isDone = false
    const flushing = trail.flush().then(() => {
      isDone = true
    })
    let turns = 0
    for (; !isDone; turns += 1) await settle()
    await flushing
    expect(turns).toBeGreaterThan(2)
  })

  it('appends a batch once when the answer was lost', async () => {
    const log = memoryStore().eventLog
    let losses = 1
    const lossy: EventLog = {
      append: async (events, after) => {
        const isAppended = await log.append(events, after)
        losses -= 1
        if (losses >= 0) throw new Error('answer lost')
        return isAppended
      },
      last: () => log.last(),
      read: (query) => log.read(query),
      sweep: (before, limit) => log.sweep(before, limit),
    }
    const { trail } = open(lossy)
    trail.record(event(1))
    await trail.flush()
    trail.record(event(2))
    await trail.flush()
    expect((await log.read({ limit: 9 })).map(({ at }) => at)).toEqual([1, 2])
    await trail.close()
  })

  it('sweeps so that a missing beginning is told from a theft', async () => {
    const log = memoryStore().eventLog
    const { trail } = open(log)
    for (let at = 1; at <= 6; at += 1) trail.record(event(at))
    await trail.flush()
    // Compared with these every event is as old as may be: the mark would say that all of them may be missing.
    for (const never of [undefined, Number.NaN, 'yesterday']) {
      await expect(trail.sweep(never as never)).rejects.toMatchObject({ fields: [{ field: 'before' }] })
    }
    expect(await trail.sweep(4)).toBe(3)
    expect(await trail.verify()).toMatchObject({ whole: true, events: 4 })
    await log.sweep(6, 1)
    expect(await trail.verify()).toEqual({ whole: false, sequence: 4, problem: 'beginning-missing' })
  })
})
