import * as crypto from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RandomFill } from '../../src/engine/crypto.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { firefox, minute, newerSecret, outcome, second, secret, settle, start } from './support/start.ts'
import { allMethods, failingStore, holdingStore, remoteFeed, wrapStore } from './support/stores.ts'

const crypted = vi.hoisted(() => ({ broken: false }))
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>()
  const hash = (...input: Parameters<typeof real.hash>) => {
    if (crypted.broken) throw new Error('the provider is gone')
    return real.hash(...input)
  }
  return { ...real, hash }
})
afterEach(() => {
  crypted.broken = false
})

const unavailable = { status: 'unknown', code: 'store-unavailable', retryAfter: 1 }

describe('a store that fails', () => {
  it('makes a check unknown, never live or dead, and signs nobody out', async () => {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store, rememberedChecks: 0 })
    const issued = await started.engine.issue({ subject: 'alice' })
    failing.failing = allMethods
    expect(await started.engine.verify(issued.token, firefox)).toEqual(unavailable)
    expect(started.events.at(-1)).toMatchObject({
      kind: 'session_check_unavailable',
      outcome: 'store-unavailable',
      ip: firefox.ip,
    })
    failing.recover()
    expect(await outcome(started, issued)).toBe('live')
  })

  it('by rejecting does the same', async () => {
    const inner = memoryStore()
    const started = start({ store: { ...inner, get: () => Promise.reject(new Error('reset')) } })
    const issued = await started.engine.issue({ subject: 'alice' })
    expect(await started.engine.verify(issued.token)).toEqual(unavailable)
  })

  it('by an answer that is no record is unknown too, never live', async () => {
    for (const answer of [{}, { id: 'x' }, 'record', 5, []]) {
      const inner = memoryStore()
      const started = start({ store: { ...inner, get: () => answer as never } })
      const issued = await started.engine.issue({ subject: 'alice' })
      expect(await started.engine.verify(issued.token)).not.toMatchObject({ status: 'live' })
    }
  })

  it('lets what this node verified go on while its feed can be trusted, as a read that needs no store', async () => {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store })
    const issued = await started.engine.issue({ subject: 'alice' })
    await started.engine.verify(issued.token)
    failing.failing = allMethods
    expect(await outcome(started, issued)).toBe('live')
    expect(await started.engine.verify(issued.token, undefined, { fresh: true })).toEqual(unavailable)
  })

  it('on writes leaves checks alone', async () => {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store })
    const issued = await started.engine.issue({ subject: 'alice' })
    failing.failing = new Set(['insert', 'replace', 'touch', 'revoke', 'sweep'])
    for (let passed = 0; passed < 10; passed += 1) {
      started.clock.advance(minute)
      await settle()
      expect(await outcome(started, issued)).toBe('live')
    }
    await expect(started.engine.issue({ subject: 'alice' })).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(started.engine.regenerate(issued.session.id)).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(await outcome(started, issued)).toBe('live')
  })
})

describe('a store that hangs', () => {
  it('makes a check unknown at its deadline and not before', async () => {
    const holding = holdingStore(memoryStore())
    const started = start({ store: holding.store, checkDeadline: 300 })
    const issued = await started.engine.issue({ subject: 'alice' })
    holding.holding = new Set(['get'])
    let verdict: unknown
    const waiting = Promise.resolve(started.engine.verify(issued.token)).then((answer) => {
      verdict = answer
    })
    started.clock.advance(299)
    await settle()
    expect(verdict).toBeUndefined()
    started.clock.advance(1)
    await waiting
    expect(verdict).toEqual(unavailable)
  })

  it('fails a sign-in and a revocation at theirs, and the revocation holds here', async () => {
    const holding = holdingStore(memoryStore())
    const started = start({ store: holding.store, writeDeadline: '2s' })
    const issued = await started.engine.issue({ subject: 'alice' })
    holding.holding = new Set(['insert', 'revoke'])
    const results = Promise.allSettled([
      started.engine.issue({ subject: 'bob' }),
      started.engine.revoke({ session: issued.session.id }, { reason: 'logout' }),
    ])
    await settle()
    started.clock.advance(2 * second)
    expect((await results).map((result) => result.status === 'rejected' && (result.reason as { code: string }).code)).toEqual([
      'store-unavailable',
      'store-unavailable',
    ])
    expect(await outcome(started, issued)).toBe('logout')
  })

  it('and is asked by 500 clients keeps one call for each credential', async () => {
    const holding = holdingStore(memoryStore())
    const started = start({ store: holding.store, rememberedChecks: 0 })
    const issued = await started.engine.issue({ subject: 'alice' })
    holding.holding = new Set(['get'])
    const checks = Array.from({ length: 500 }, () => started.engine.verify(issued.token))
    expect(holding.held).toHaveLength(1)
    started.clock.advance(500)
    for (const verdict of await Promise.all(checks)) expect(verdict).toEqual(unavailable)
  })
})

describe('crypto that fails', () => {
  const broken: [string, RandomFill][] = [
    [
      'throws',
      () => {
        throw new Error('no entropy')
      },
    ],
    ['gives zeros', (buffer) => buffer.fill(0)],
    ['stops short', (buffer) => seededRandom(1)(buffer.subarray(0, 4096))],
    ['answers later', ((buffer: Uint8Array) => Promise.resolve().then(() => seededRandom(1)(buffer))) as RandomFill],
  ]

  it.each(broken)('as a random source that %s refuses every new secret and changes nothing', async (_, fill) => {
    const store = memoryStore()
    const before = start({ store })
    const issued = await before.engine.issue({ subject: 'alice' })
    const visitor = await before.engine.issueAnonymous()
    const records = await store.list({ limit: 10 })
    const { engine } = start({ store, clock: before.clock, random: fill })
    const { id } = issued.session
    for (const attempt of [
      () => engine.issue({ subject: 'bob' }),
      () => engine.issueAnonymous(),
      () => engine.regenerate(id),
      () => engine.elevate(id, { amr: ['otp'] }),
      () => engine.promote(visitor.session.id, { subject: 'alice' }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'crypto-unavailable', status: 503, retryAfter: 5 })
    }
    expect(await store.list({ limit: 10 })).toEqual(records)
    // Checking, ending and reading need no randomness.
    expect(await outcome({ engine }, issued)).toBe('live')
    expect((await engine.revoke({ session: id })).revoked).toEqual([id])
  })

  it('while hashing makes a check unknown with a wait, and it works again afterwards', async () => {
    const started = start()
    const issued = await started.engine.issue({ subject: 'alice' })
    const record = await started.store.get(issued.session.id)
    crypted.broken = true
    expect(await started.engine.verify(issued.token)).toEqual({ status: 'unknown', code: 'crypto-unavailable', retryAfter: 5 })
    await expect(started.engine.issue({ subject: 'bob' })).rejects.toMatchObject({ code: 'crypto-unavailable' })
    await expect(started.engine.regenerate(issued.session.id)).rejects.toMatchObject({ code: 'crypto-unavailable' })
    await expect(started.engine.elevate(issued.session.id, { amr: ['otp'] })).rejects.toMatchObject({
      code: 'crypto-unavailable',
    })
    crypted.broken = false
    expect(await started.store.get(issued.session.id)).toEqual(record)
    expect(await outcome(started, issued)).toBe('live')
    expect(crypto.hash('sha256', '')).toHaveLength(64)
  })

  it('while a promotion is half-way leaves the visitor as it was', async () => {
    const inner = memoryStore()
    let replaced = 0
    const store = wrapStore(inner, (method, run) => {
      if (method === 'replace') replaced += 1
      if (method === 'replace' && replaced === 1) crypted.broken = true
      return run()
    })
    const started = start({ store })
    const visitor = await started.engine.issueAnonymous()
    await expect(started.engine.promote(visitor.session.id, { subject: 'alice' })).rejects.toMatchObject({
      code: 'crypto-unavailable',
    })
    crypted.broken = false
    expect(await outcome(started, visitor)).toBe('live')
    expect(await started.engine.promote(visitor.session.id, { subject: 'alice' })).toBeDefined()
  })
})

describe('the app', () => {
  it('whose feed, logger, listener and connection throw gets an answer and keeps its process', async () => {
    const inner = memoryStore()
    const feed = remoteFeed(inner.changes)
    feed.trust = 'throw'
    const failing = failingStore(wrapStore(inner, (_, run) => run(), feed))
    const started = start({
      store: failing.store,
      onFault: () => {
        throw new Error('the disk of the log is full')
      },
    })
    started.engine.on(() => {
      throw new Error('theirs')
    })
    const issued = await started.engine.issue({ subject: 'alice' })
    failing.failing = allMethods
    expect(await started.engine.verify(issued.token)).toEqual(unavailable)
    started.engine.attach(issued.session, () => {
      throw new Error('theirs')
    })
    await expect(started.engine.revoke({ session: issued.session.id })).rejects.toMatchObject({ code: 'store-unavailable' })
    for (let passed = 0; passed < 3; passed += 1) {
      started.clock.advance(5 * minute)
      await settle()
    }
    await started.engine.close()
  })

  it('gets a CSRF token per session and key, and none of another', async () => {
    const { engine } = start()
    const [a, b] = [await engine.issue({ subject: 'alice' }), await engine.issue({ subject: 'alice' })]
    const token = engine.csrfToken(a.session.id)
    expect(engine.checkCsrfToken(a.session.id, token)).toBe(true)
    expect(engine.checkCsrfToken(b.session.id, token)).toBe(false)
    for (const forged of ['', token.slice(1), `${token}A`, token.toLowerCase(), a.session.id]) {
      expect(engine.checkCsrfToken(a.session.id, forged)).toBe(false)
    }
    const rotated = start({ secret: [newerSecret, secret] }).engine
    expect(rotated.checkCsrfToken(a.session.id, token)).toBe(true)
    expect(rotated.csrfToken(a.session.id)).not.toBe(token)
    expect(start({ secret: newerSecret }).engine.checkCsrfToken(a.session.id, token)).toBe(false)
  })
})
