import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Confirmation, type Remembered, VerifiedCache } from '../../src/engine/cache.ts'
import { viewOf } from '../../src/engine/session.ts'
import { record } from './support/records.ts'
import { firefox, start } from './support/start.ts'
import { remoteFeed } from './support/stores.ts'

function entry(id: string, credential: string): Remembered {
  const known = record({ id })
  const session = viewOf(known, { elevated: false, stepUpRequired: false })
  return {
    credential,
    verdict: { status: 'live', session },
    reviewAt: 1,
    ip: undefined,
    userAgent: undefined,
    compared: false,
    record: known,
    validUntil: 1,
    current: true,
    until: Number.POSITIVE_INFINITY,
    authentic: null,
    used: false,
  }
}

/** Bytes in use after a full collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

describe('the cache of verified sessions', () => {
  it('keeps nothing of the headers that tokens came in', async () => {
    const { engine } = start({ sessionsPerSubject: 'unlimited' })
    const headerLength = 64 * 1024
    const tokens: string[] = []
    for (let at = 0; at < 100; at += 1) tokens.push((await engine.issue({ subject: 'alice', context: firefox })).token)
    const before = heapUsed()
    for (const token of tokens) {
      const header = Buffer.from('x'.repeat(headerLength) + token).toString('latin1')
      expect(engine.verify(header.slice(headerLength), firefox)).toMatchObject({ status: 'live' })
    }
    expect(engine.stats().cache.size).toBe(tokens.length)
    expect(heapUsed() - before).toBeLessThan((tokens.length * headerLength) / 4)
  })

  it.each([
    ['however long they are', 900, 16 * 1024],
    ['however many they are', 20_000, 500],
  ])('keeps no names of browsers whose sessions it let go, %s', (_, count, length) => {
    const cache = new VerifiedCache(10)
    const before = heapUsed()
    for (let at = 0; at < count; at += 1) {
      const userAgent = Buffer.from(`${at} `.padEnd(length, 'x')).toString('latin1')
      cache.put({ ...entry(`id ${at}`, `credential ${at}`), userAgent })
    }
    const grown = heapUsed() - before
    expect(cache.size).toBeLessThanOrEqual(10)
    expect(grown).toBeLessThan((count * length) / 4)
  })

  it('is keyed by the whole credential', () => {
    const cache = new VerifiedCache(10)
    cache.put(entry('a', 'hf1_aaaa'))
    expect(cache.find('hf1_aaaa')?.record.id).toBe('a')
    for (const near of ['hf1_aaa', 'hf1_aaaaa', 'hf1_aaaA', 'hf1_aaaa ', '']) expect(cache.find(near)).toBeUndefined()
  })

  it.each([
    ['with the same end', `hf1_a${'x'.repeat(40)}`, `hf1_b${'x'.repeat(40)}`],
    ['whose end makes the same number', 'hf1_Aa', 'hf1_BB'],
  ])('neither finds nor replaces a credential by another %s', (_, one, other) => {
    const cache = new VerifiedCache(10)
    cache.put(entry('a', one))
    cache.put(entry('b', other))
    expect(cache.find(other)).toBeUndefined()
    expect(cache.find(one)?.record.id).toBe('a')
    cache.drop('a')
    expect(cache.find(one)).toBeUndefined()
    cache.put(entry('b', other))
    expect(cache.find(other)?.record.id).toBe('b')
    cache.drop('b')
    expect(cache.find(other)).toBeUndefined()
  })

  it('does not find by its end what has moved on either, nor lets it take the place of another', () => {
    const cache = new VerifiedCache(4)
    const end = 'x'.repeat(40)
    const first = `hf1_a${end}`
    cache.put(entry('a', first))
    for (const name of ['b', 'c', 'd']) cache.put(entry(name, `hf1_${name}`))
    expect(cache.find(first)?.record.id).toBe('a')
    // There is no room: what was used moves on, the next goes.
    cache.put(entry('e', 'hf1_e'))
    expect(cache.find(`hf1_d${end}`)).toBeUndefined()
    cache.put(entry('d', `hf1_d${end}`))
    expect(cache.find(first)?.record.id).toBe('a')
  })

  it('stays within its very bound however many come, and keeps what is used', () => {
    const cache = new VerifiedCache(101)
    cache.put(entry('used', 'used'))
    for (let at = 0; at < 10_000; at += 1) {
      cache.put(entry(`id ${at}`, `credential ${at}`))
      expect(cache.find('used')).toBeDefined()
      expect(cache.size).toBe(Math.min(at + 2, 101))
    }
    expect(cache.find('credential 0')).toBeUndefined()
  })

  it('serves a rotation over as many sessions as its bound says', () => {
    const cache = new VerifiedCache(100)
    const present = (at: number) => cache.find(`credential ${at}`) ?? cache.put(entry(`id ${at}`, `credential ${at}`))
    for (let at = 0; at < 100; at += 1) present(at)
    for (let at = 0; at < 500; at += 1) expect(present(at % 100)).toBeDefined()
  })

  it('keeps busy sessions through a flood of tokens that come once each', () => {
    const cache = new VerifiedCache(100)
    const ofBusy = Array.from({ length: 80 }, (_, at) => `busy ${at}`)
    for (const name of ofBusy) cache.put(entry(name, name))
    for (const name of ofBusy) cache.find(name)
    for (let at = 0; at < 10_000; at += 1) cache.put(entry(`flood ${at}`, `flood ${at}`))
    expect(ofBusy.filter((name) => cache.find(name) === undefined)).toEqual([])
  })

  it('keeps nothing of what had to go', () => {
    const cache = new VerifiedCache(10)
    cache.put(entry('two', 'credential a'))
    cache.put(entry('two', 'credential b'))
    for (let at = 0; at < 1000; at += 1) {
      cache.put(entry(`id ${at}`, `credential ${at}`))
      cache.find('credential b')
    }
    expect(cache.find('credential a')).toBeUndefined()
    expect(cache.drop('two')).toBeDefined()
    expect(cache.find('credential b')).toBeUndefined()
    const before = heapUsed()
    for (let at = 0; at < 50_000; at += 1) cache.put(entry(`later ${at}`, `later ${at}`))
    expect(heapUsed() - before).toBeLessThan(2_000_000)
  })

  it('remembers nothing with a bound of 0', () => {
    const cache = new VerifiedCache(0)
    cache.put(entry('a', 'a'))
    expect(cache.find('a')).toBeUndefined()
    expect(cache.size).toBe(0)
  })

  it('drops every credential of a session and no other', () => {
    const cache = new VerifiedCache(6)
    for (const name of ['a1', 'b1', 'a2', 'a3']) cache.put(entry(name.slice(0, 1), name))
    cache.put(entry('a', 'a1'))
    expect(cache.size).toBe(4)
    expect(cache.drop('a')?.id).toBe('a')
    for (const gone of ['a1', 'a2', 'a3']) expect(cache.find(gone)).toBeUndefined()
    expect(cache.find('b1')).toBeDefined()
    expect(cache.size).toBe(1)
    expect(cache.drop('a')).toBeUndefined()
  })

  it('counts each drop and each clearing, of known sessions or not', () => {
    const cache = new VerifiedCache(4)
    const before = cache.changes
    cache.drop('nobody')
    expect(cache.changes).toBe(before + 1)
    cache.put(entry('a', 'a'))
    cache.clear()
    expect(cache.changes).toBe(before + 2)
    expect(cache.find('a')).toBeUndefined()
  })
})

describe('the confirmation of a change feed', () => {
  it('never holds without a feed', () => {
    expect(new Confirmation(undefined, 1000).holds(0)).toBe(false)
  })

  it('is asked for again after a twentieth of the bound, and when the clock went back', () => {
    const feed = remoteFeed(undefined)
    const confirmation = new Confirmation(feed, 1000)
    for (const [now, asked] of [
      [1000, 1],
      [1049, 1],
      [1050, 2],
      [1049, 3],
      [1049, 3],
      [9_999_999, 4],
    ] as const) {
      expect(confirmation.holds(now)).toBe(true)
      expect(feed.confirmed).toBe(asked)
    }
  })

  it('leaves the feed no more lag than keeps the bound together with its own', () => {
    const asked: unknown[] = []
    const confirm = (...question: unknown[]) => asked.push(question) > 0
    new Confirmation({ subscribe: () => () => undefined, confirm }, 1000).holds(7)
    new Confirmation({ subscribe: () => () => undefined, confirm }, 0).holds(8)
    expect(asked).toEqual([
      [7, 950],
      [8, 0],
    ])
  })

  it('is not taken for young by a clock that is set back again and again', () => {
    // As a feed is whose connection says nothing any more: all it knows is when that last answered.
    const confirm = (now: number, maxAge: number) => 10_000 <= now && now - 10_000 <= maxAge
    const confirmation = new Confirmation({ subscribe: () => () => undefined, confirm }, 1000)
    let passed = 0
    for (let wall = 10_000; passed < 5000; wall += 100, passed += 100) {
      if (passed % 800 === 700) wall -= 600
      expect(confirmation.holds(wall)).toBe(passed < 700)
    }
  })

  it('is asked for at each check with a bound of 0', () => {
    const feed = remoteFeed(undefined)
    const confirmation = new Confirmation(feed, 0)
    confirmation.holds(5)
    confirmation.holds(5)
    expect(feed.confirmed).toBe(2)
  })

  it.each([false, 'throw'] as const)('does not hold while the feed answers %s, and is asked again at once', (trust) => {
    const feed = remoteFeed(undefined)
    const confirmation = new Confirmation(feed, 1000)
    expect(confirmation.holds(0)).toBe(true)
    feed.trust = trust
    expect(confirmation.holds(50)).toBe(false)
    // Not even for the rest of the interval that an earlier answer covered.
    expect(confirmation.holds(49)).toBe(false)
    feed.trust = true
    expect(confirmation.holds(51)).toBe(true)
  })

  it('never holds again once stopped', () => {
    const confirmation = new Confirmation(remoteFeed(undefined), 1000)
    expect(confirmation.holds(0)).toBe(true)
    confirmation.stop()
    expect(confirmation.holds(0)).toBe(false)
  })
})
