import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedCache, type Cached } from '../../src/shared/bounded-cache.ts'

interface Labelled extends Cached {
  readonly label: string
}

const entry = (label: string): Labelled => ({ label, used: false })

function filled(capacity: number, labels: readonly string[] = []) {
  const cache = new BoundedCache<string, Labelled>(capacity)
  /** As a cache is asked: looked for first, put when it is not there. Whether it was. */
  const ask = (label: string): boolean => {
    const isHit = cache.get(label) !== undefined
    if (!isHit) cache.set(label, entry(label))
    return isHit
  }
  for (const label of labels) ask(label)
  return { cache, ask }
}

const named = (name: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${name} ${at}`)

describe('a bounded cache', () => {
  it('serves as many in turn as its bound says', () => {
    const { cache, ask } = filled(100, named('entry', 100))
    for (let round = 0; round < 5; round += 1) for (const label of named('entry', 100)) expect(ask(label)).toBe(true)
    expect(cache.size).toBe(100)
  })

  it('keeps what is in use through a flood of what is asked for once', () => {
    const busy = named('busy', 80)
    const { cache, ask } = filled(100, [...busy, ...busy])
    let at = 0
    let missed = 0
    for (let round = 0; round < 20; round += 1) {
      for (const label of busy) {
        // Ten strangers for each request of somebody who is busy.
        for (let flood = 0; flood < 10; flood += 1) ask(`flood ${at++}`)
        if (!ask(label)) missed += 1
      }
    }
    expect(missed).toBe(0)
    expect(cache.size).toBe(100)
  })

  it('lets go of what nobody asks for any more, though strangers come in between', () => {
    const { cache, ask } = filled(100, [...named('old', 100), ...named('old', 100)])
    for (let round = 0; round < 10; round += 1) {
      for (const [at, label] of named('recent', 80).entries()) {
        ask(label)
        if (at % 4 === 0) ask(`stranger ${round} ${at}`)
      }
    }
    expect(named('recent', 80).filter((label) => cache.get(label) === undefined)).toEqual([])
  })

  it('gives what comes back soon after it went a place of its own', () => {
    const { cache, ask } = filled(10, named('first', 10))
    for (const label of named('second', 5)) ask(label)
    expect(cache.get('first 0')).toBeUndefined()
    ask('first 0')
    for (const label of named('flood', 50)) ask(label)
    expect(cache.get('first 0')).toBeDefined()
  })

  it('says what had to go, and takes no more than a few steps for it, however many are in use', () => {
    const { cache } = filled(1000, [...named('used', 1000), ...named('used', 1000)])
    expect(cache.set('new', entry('new'))?.label).toBe('used 100')
    expect(cache.size).toBe(1000)
  })

  it('keeps nothing with a bound of 0, and one with a bound of 1', () => {
    const none = filled(0, ['a'])
    expect([none.cache.get('a'), none.cache.size]).toEqual([undefined, 0])
    const one = filled(1, ['a'])
    expect(one.cache.set('b', entry('b'))?.label).toBe('a')
    expect([one.cache.get('a'), one.cache.get('b')?.label, one.cache.size]).toEqual([undefined, 'b', 1])
  })

  it('goes on after it was emptied', () => {
    const { cache, ask } = filled(3, named('before', 10))
    cache.clear()
    expect(cache.size).toBe(0)
    for (const label of named('after', 10)) ask(label)
    expect(cache.size).toBe(3)
  })
})

/** A cache beside a map that holds what the cache should. */
function besideModel(capacity: number) {
  const cache = new BoundedCache<number, Cached & { readonly at: number }>(capacity)
  const model = new Map<number, number>()
  return {
    ask: (key: number, at: number) => {
      expect(cache.get(key)?.at).toBe(model.get(key))
      const gone = cache.set(key, { at, used: false })
      const [name] = [...model].find(([, value]) => value === gone?.at) ?? []
      if (name !== undefined) model.delete(name)
      if (capacity > 0) model.set(key, at)
    },
    delete: (key: number) => expect(cache.delete(key)).toBe(model.delete(key)),
    clear: () => {
      cache.clear()
      model.clear()
    },
    compare: () => {
      expect(cache.size).toBe(model.size)
      expect(cache.size).toBeLessThanOrEqual(capacity)
    },
  }
}

describe('for any order of questions and changes, a bounded cache', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('ask', 'ask', 'ask', 'delete', 'clear'), fc.nat({ max: 12 })), {
    maxLength: 200,
  })

  it('holds what it was told last, within its bound, and loses nothing that it does not name', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), steps, (capacity, each) => {
        const both = besideModel(capacity)
        for (const [at, [step, key]] of each.entries()) {
          both[step](key, at)
          both.compare()
        }
      }),
    )
  })
})
