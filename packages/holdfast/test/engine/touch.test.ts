import { describe, expect, it, vi } from 'vitest'
import { TouchBuffer } from '../../src/engine/touch.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Sighting } from '../../src/store/store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { minute, second, settle, start } from './support/start.ts'
import { holdingStore } from './support/stores.ts'

const sighting = (id: string, seenAt = 1): Sighting => ({ id, seenAt, idleExpiresAt: seenAt + 10, ip: null })

function buffer(touch: (sightings: readonly Sighting[]) => void | Promise<void>) {
  const clock = fakeClock()
  const onFault = vi.fn()
  const batches: (readonly Sighting[])[] = []
  const write = (sightings: readonly Sighting[]) => {
    batches.push(sightings)
    return touch(sightings)
  }
  return { touches: new TouchBuffer({ write, clock, onFault }), clock, onFault, batches }
}

describe('the touch buffer', () => {
  it('writes once a second, the latest sighting of each session', async () => {
    const { touches, clock, batches } = buffer(() => undefined)
    touches.note(sighting('a', 1))
    touches.note(sighting('b', 2))
    touches.note(sighting('a', 3))
    clock.advance(999)
    expect(batches).toEqual([])
    expect(touches.pending('a')?.seenAt).toBe(3)
    clock.advance(1)
    await settle()
    expect(batches).toEqual([[sighting('b', 2), sighting('a', 3)]])
    expect(touches.pending('a')).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  it('writes at once when a batch is full, and never more than 256 in one call', async () => {
    const { touches, batches } = buffer(() => undefined)
    for (let at = 0; at < 600; at += 1) touches.note(sighting(`s${at}`))
    await touches.flush()
    await touches.flush()
    expect(batches.flat()).toHaveLength(600)
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(256)
  })

  it('keeps what failed for the next time, and tells the logger', async () => {
    let broken = true
    const { touches, clock, onFault, batches } = buffer(() => {
      if (broken) throw new Error('read only')
    })
    touches.note(sighting('a'))
    clock.advance(second)
    await settle()
    expect(onFault).toHaveBeenCalledOnce()
    expect(touches.pending('a')).toBeDefined()
    broken = false
    clock.advance(second)
    await settle()
    expect(batches).toHaveLength(2)
    expect(touches.pending('a')).toBeUndefined()
  })

  it('keeps what was seen while a write was under way', async () => {
    const answers: (() => void)[] = []
    const { touches, clock } = buffer(() => new Promise((resolve) => answers.push(resolve)))
    touches.note(sighting('a', 1))
    clock.advance(second)
    touches.note(sighting('a', 5))
    answers[0]?.()
    await settle()
    expect(touches.pending('a')?.seenAt).toBe(5)
    clock.advance(second)
    expect(answers).toHaveLength(2)
  })

  it('is not held up for ever by a store that hangs', async () => {
    const holding = holdingStore(memoryStore())
    const { engine, clock, faults } = start({ store: holding.store, sweepEvery: '1d' })
    const { token } = await engine.issue({ subject: 'alice' })
    holding.holding = new Set(['touch'])
    clock.advance(5 * minute)
    await engine.verify(token)
    clock.advance(second)
    clock.advance(2 * second)
    await settle()
    expect(faults.map(({ doing }) => doing)).toEqual(['recording activity'])
    expect(engine.stats()).toMatchObject({ pendingTouches: 1, store: { writes: { timeouts: 1, inFlight: 0 } } })
    clock.advance(second)
    expect(holding.held).toHaveLength(2)
  })

  it('holds 10 000 sightings at most while the store takes none, and lets the oldest go', async () => {
    const { touches } = buffer(() => new Promise(() => undefined))
    for (let at = 0; at < 10_050; at += 1) touches.note(sighting(`s${at}`))
    expect(touches.pending('s0')).toBeUndefined()
    expect(touches.pending('s49')).toBeUndefined()
    expect(touches.pending('s50')).toBeDefined()
    expect(touches.pending('s10049')).toBeDefined()
  })

  it('holds no timer and nothing else once stopped', () => {
    const { touches, clock } = buffer(() => undefined)
    touches.note(sighting('a'))
    touches.stop()
    expect(clock.pending).toBe(0)
    expect(touches.pending('a')).toBeUndefined()
  })
})
