import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { firefox, must, newerSecret, outcome, outcomeOf, second, secret, settle, start } from './support/start.ts'
import { failingStore, wrapStore } from './support/stores.ts'

describe('verify', () => {
  it('answers at once, without a promise, on a store that does', async () => {
    const { engine } = start()
    const { token } = await engine.issue({ subject: 'alice' })
    const [missed, hit] = [engine.verify(token), engine.verify(token)]
    expect(missed).not.toBeInstanceOf(Promise)
    expect(hit).toBe(missed)
  })

  it.each([null, undefined, ''])('calls %j missing, without an event', (token) => {
    const { engine, told } = start()
    expect(engine.verify(token)).toEqual({ status: 'dead', reason: 'missing' })
    expect(told()).toEqual([])
  })

  it.each([
    ['a text', 'garbage'],
    ['the right prefix', 'hf1_'],
    ['the right length', `hf1_${'A'.repeat(104)}`],
    ['a megabyte', 'hf1_'.padEnd(1_000_000, 'A')],
    ['null bytes', '\0'.repeat(108)],
    ['a number', 12_345_678],
    ['an object', { length: 108, startsWith: () => true }],
    ['a list', ['hf1_']],
    ['a function', () => 'hf1_'],
    ['lone surrogates', '\ud800'.repeat(54)],
  ])('refuses %s before the store is asked', async (_, token) => {
    const failing = failingStore(memoryStore())
    const { engine, told } = start({ store: failing.store })
    expect(engine.verify(token as string, firefox)).toEqual({ status: 'dead', reason: 'invalid' })
    expect(failing.calls).toEqual([])
    expect(told()).toEqual(['session_token_invalid'])
  })

  it('refuses an id, a cut token and a token of another service before the store is asked', async () => {
    const failing = failingStore(memoryStore())
    const { engine } = start({ store: failing.store })
    const { session, token } = await engine.issue({ subject: 'alice' })
    const foreign = await start({ secret: newerSecret }).engine.issue({ subject: 'alice' })
    await engine.verify(token)
    failing.calls.length = 0
    for (const forged of [session.id, token.slice(0, -1), `${token}A`, `${token} `, token.toUpperCase(), foreign.token]) {
      expect(engine.verify(forged)).toEqual({ status: 'dead', reason: 'invalid' })
    }
    expect(failing.calls).toEqual([])
  })

  it('does not take an authentic token for a session whose digest differs', async () => {
    // Whoever holds the signing key, and nothing of the store, makes tokens with a valid tag.
    const victim = start()
    const { session } = await victim.engine.issue({ subject: 'alice' })
    const forging = start({ seed: 99, store: memoryStore() })
    const forged = await forgeFor(forging, session.id)
    expect(await outcome(victim, { token: forged })).toBe('superseded')
    expect(await outcome(victim, { token: forged }, undefined, { fresh: true })).toBe('superseded')
  })

  it('does not take a token of one kind for a record of the other, though id and digest are right', async () => {
    const store = memoryStore()
    const started = start({ store })
    const visitor = await started.engine.issueAnonymous()
    const signedIn = await started.engine.issue({ subject: 'alice' })
    const swapped = wrapStore(store, (_, run) => run())
    const crossed = start({
      clock: started.clock,
      store: {
        ...swapped,
        get: async (id) => {
          const record = must(await store.get(id))
          return { ...record, subject: record.subject === null ? 'alice' : null }
        },
      },
    })
    expect(await outcome(crossed, visitor)).toBe('invalid')
    expect(await outcome(crossed, signedIn)).toBe('invalid')
  })

  it('calls an authentic token without a record not found', async () => {
    const { token } = await start().engine.issue({ subject: 'alice' })
    const empty = start()
    expect(await outcome(empty, { token })).toBe('not-found')
    expect(empty.told()).toEqual(['session_token_invalid'])
  })

  it('hands out verdicts that nobody can change for the others', async () => {
    const { engine } = start()
    const { token } = await engine.issue({ subject: 'alice', attributes: { roles: ['user'] }, amr: ['pwd'] })
    const verdict = await engine.verify(token)
    if (verdict.status !== 'live') throw new TypeError('expected a live session')
    const { session } = verdict
    for (const part of [verdict, session, session.attributes, session.attributes.roles, session.amr]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it('accepts every listed key, signs with the newest and refuses a removed one', async () => {
    const store = memoryStore()
    const before = start({ store })
    const { clock } = before
    const old = await before.engine.issue({ subject: 'alice' })
    const rotated = start({ store, clock, secret: [newerSecret, secret], seed: 2 })
    expect(await outcome(rotated, old)).toBe('live')
    const renewed = must(await rotated.engine.regenerate(old.session.id))
    const removed = start({ store, clock, secret: newerSecret, seed: 3 })
    expect(await outcome(removed, renewed)).toBe('live')
    expect(await outcome(removed, old)).toBe('invalid')
    expect(await outcome(before, renewed)).toBe('invalid')
  })

  it('keeps 100 clients apart, interleaved, on one engine', async () => {
    const { engine } = start()
    const clients = await Promise.all(
      Array.from({ length: 100 }, (_, at) => engine.issue({ subject: `user ${at}`, attributes: { canary: at } })),
    )
    for (let round = 0; round < 3; round += 1) {
      const verdicts = await Promise.all(clients.map(({ token }) => engine.verify(token)))
      for (const [at, verdict] of verdicts.entries()) {
        expect(verdict).toMatchObject({ session: { subject: `user ${at}`, attributes: { canary: at } } })
      }
    }
  })
})

describe('activity', () => {
  async function counted() {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store })
    const issued = await started.engine.issue({ subject: 'alice', context: firefox })
    const use = async (seconds: number) => {
      for (let passed = 0; passed < seconds; passed += 1) {
        started.clock.advance(second)
        await settle()
        expect(await outcome(started, issued, firefox)).toBe('live')
      }
    }
    return { ...started, failing, issued, use, touches: () => failing.calls.filter((method) => method === 'touch').length }
  }

  it('is written once per session and interval at most', async () => {
    const { use, touches } = await counted()
    await use(300)
    expect(touches()).toBeLessThanOrEqual(5)
    expect(touches()).toBeGreaterThanOrEqual(4)
  })

  it('that is lost ends the session early, never late', async () => {
    const started = await counted()
    await started.use(60)
    started.failing.failing = new Set(['touch'])
    await started.use(600)
    const stored = must(await started.store.get(started.issued.session.id))
    expect(stored.seenAt).toBeLessThanOrEqual(started.clock.now() - 590_000)
    const elsewhere = start({ store: started.store, clock: started.clock })
    started.clock.jumpTo(stored.idleExpiresAt)
    expect(await outcome(elsewhere, started.issued)).toBe('idle-timeout')
  })

  it('never revives a session that was revoked before it is written', async () => {
    const started = await counted()
    started.clock.advance(120_000)
    await started.engine.verify(started.issued.token, firefox)
    await started.engine.revoke({ session: started.issued.session.id }, { reason: 'logout' })
    const before = await started.store.get(started.issued.session.id)
    started.clock.advance(second)
    await settle()
    expect(await started.store.get(started.issued.session.id)).toEqual(before)
    expect(outcomeOf(await started.engine.verify(started.issued.token))).toBe('logout')
  })

  it('of a refused client is not recorded', async () => {
    const started = await counted()
    started.clock.advance(120_000)
    await settle()
    const other = { ...firefox, userAgent: 'curl/8' }
    expect(await outcome(started, started.issued, other)).toBe('binding-mismatch')
    started.clock.advance(second)
    await settle()
    expect(started.touches()).toBe(0)
  })
})

/** A token with a valid tag for a chosen id: the id that the forger's own store gives is overruled. */
async function forgeFor({ engine, store }: ReturnType<typeof start>, id: string): Promise<string> {
  const own = await engine.issue({ subject: 'mallory' })
  const record = must(await store.get(own.session.id))
  const other = memoryStore()
  await other.insert({ ...record, id })
  return must(await start({ seed: 7, store: other }).engine.regenerate(id)).token
}
