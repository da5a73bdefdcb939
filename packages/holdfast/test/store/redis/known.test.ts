/** Which sessions a note is about that names a slot tag only. */
import { describe, expect, it } from 'vitest'
import { tagOf } from '../../../src/store/redis-keys.ts'
import { KnownSessions } from '../../../src/store/redis-known.ts'
import { sampleId } from '../../../src/testing/contract/check.ts'

const idOf = (at: number): string => sampleId(1, `user-${at}`)

function knowing(capacity: number) {
  const told: (readonly string[])[] = []
  const known = new KnownSessions(capacity, (ids) => told.push(ids))
  const isKnown = (at: number): boolean => known.of(tagOf(idOf(at))).includes(idOf(at))
  return { known, told, isKnown }
}

describe('sessions that were handed out', () => {
  it('are known by their tag, all of them', () => {
    const { known, told } = knowing(4)
    for (const number of [1, 2, 1]) known.add(sampleId(number))
    expect(known.of(tagOf(sampleId(1)))).toEqual([sampleId(1), sampleId(2)])
    expect(known.of(tagOf(idOf(1)))).toEqual([])
    expect(told).toEqual([])
  })

  it('are let go oldest first, told one tag at a time', () => {
    const { known, told, isKnown } = knowing(4)
    for (let at = 0; at < 10; at += 1) known.add(idOf(at))
    expect(told).toEqual([0, 1, 2, 3, 4, 5].map((at) => [idOf(at)]))
    expect([5, 6, 7, 8, 9].map(isKnown)).toEqual([false, true, true, true, true])
  })

  it('stay when they are handed out again', () => {
    const { known, told, isKnown } = knowing(4)
    for (let at = 0; at < 5; at += 1) known.add(idOf(at))
    known.add(idOf(1))
    for (let at = 5; at < 8; at += 1) known.add(idOf(at))
    expect(told.flat()).toEqual([0, 2, 3, 4].map(idOf))
    expect(isKnown(1)).toBe(true)
  })

  it('come back at once where somebody still holds them, and take no room from the others for good', () => {
    const held = new Set([0, 1, 2].map(idOf))
    let told = 0
    const known: KnownSessions = new KnownSessions(4, (ids) => {
      told += 1
      for (const id of ids) if (held.has(id)) known.add(id)
    })
    const countKnown = (): number =>
      Array.from({ length: 300 }, (_, at) => known.of(tagOf(idOf(at))).length).reduce((a, b) => a + b)
    for (let at = 0; at < 200; at += 1) {
      const before = told
      known.add(idOf(at))
      expect(told - before).toBeLessThanOrEqual(2)
    }
    for (const id of held) expect(known.of(tagOf(id))).toContain(id)
    expect(countKnown()).toBeLessThanOrEqual(4 + held.size)
    held.clear()
    for (let at = 200; at < 300; at += 1) known.add(idOf(at))
    expect(countKnown()).toBe(4)
  })
})
