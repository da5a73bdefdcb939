import { describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { firefox, hour, minute, must, outcome, type StartOptions, second, settle, start } from './support/start.ts'
import { failingStore } from './support/stores.ts'

async function liveIds({ engine }: ReturnType<typeof start>, subject = 'alice') {
  const { items } = await engine.list({ subject, limit: 200 })
  return items.map(({ id }) => id)
}

async function signInThrice(options: StartOptions) {
  const started = start(options)
  const issued = []
  for (let at = 0; at < 3; at += 1) {
    issued.push(await started.engine.issue({ subject: 'alice' }))
    started.clock.advance(second)
  }
  return { ...started, issued }
}

describe('issue', () => {
  it('starts a session that holds what it was given, and tells of it once', async () => {
    const started = start()
    const { session, token } = await started.engine.issue({
      subject: 'alice',
      attributes: { role: 'admin' },
      context: firefox,
      amr: ['pwd'],
      acr: 'aal1',
    })
    const now = started.clock.now()
    expect(session).toMatchObject({
      subject: 'alice',
      anonymous: false,
      createdAt: now,
      authTime: now,
      amr: ['pwd'],
      acr: 'aal1',
      elevatedUntil: null,
      idleExpiresAt: now + 30 * minute,
      absoluteExpiresAt: now + 12 * hour,
      firstIp: firefox.ip,
      label: 'Firefox on Linux',
      attributes: { role: 'admin' },
      persistent: false,
    })
    expect(await outcome(started, { token }, firefox)).toBe('live')
    expect(started.told()).toEqual(['session_created'])
  })

  it('gives ids and tokens that have nothing in common but the format', async () => {
    const { engine } = start()
    const [a, b] = [await engine.issue({ subject: 'alice' }), await engine.issue({ subject: 'bob' })]
    expect(a.session.id).not.toBe(b.session.id)
    expect(a.token.slice(32)).not.toBe(b.token.slice(32))
  })

  it('keeps a remembered session longer', async () => {
    const { engine, clock } = start()
    const { session } = await engine.issue({ subject: 'alice', remember: true })
    expect(session.persistent).toBe(true)
    expect(session.idleExpiresAt - clock.now()).toBe(14 * 24 * hour)
    expect(session.absoluteExpiresAt - clock.now()).toBe(30 * 24 * hour)
  })

  it.each([
    ['blank', '  '],
    ['missing', undefined],
    ['a number', 7],
    ['an object', { toString: () => 'alice' }],
    ['too long', 'x'.repeat(257)],
    ['holding a line break', 'alice\nbob'],
    ['holding a null', 'alice\0'],
    ['holding a direction mark', 'alice\u202e'],
    ['holding half a surrogate pair', 'alice\ud800'],
  ])('refuses a subject that is %s', async (_, subject) => {
    const { engine, store } = start()
    await expect(engine.issue({ subject: subject as string })).rejects.toMatchObject({ code: 'invalid-request' })
    await expect(engine.revoke({ subject: subject as string })).rejects.toMatchObject({ code: 'invalid-request' })
    expect(await store.list({ limit: 1 })).toEqual({ items: [] })
  })

  it('says of a number that a subject is text: ids of a database often are numbers', async () => {
    const { engine } = start()
    const issuing = engine.issue({ subject: 7 as unknown as string })
    await expect(issuing).rejects.toMatchObject({ fields: [{ field: 'subject', message: 'must be text' }] })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, '0'])('refuses %s as the time of proof', async (authTime) => {
    await expect(start().engine.issue({ subject: 'alice', authTime: authTime as number })).rejects.toMatchObject({
      fields: [{ field: 'authTime' }],
    })
  })

  it('takes a proof from the future for one of now, so that none is fresh for ever', async () => {
    const { engine, clock } = start()
    const { session } = await engine.issue({ subject: 'alice', authTime: clock.now() + hour })
    expect(session.authTime).toBe(clock.now())
  })

  it('is not changed by what the caller does to its input or its answer afterwards', async () => {
    const { engine, clock } = start()
    const amr = ['pwd']
    const { session, token } = await engine.issue({ subject: 'alice', amr })
    amr.push('mfa')
    expect(() => (session.amr as string[]).push('mfa')).toThrow(TypeError)
    clock.advance(1)
    const verdict = await engine.verify(token)
    expect(verdict).toMatchObject({ session: { amr: ['pwd'] } })
    expect(verdict.status === 'live' && (() => (verdict.session.amr as string[]).push('mfa'))).toThrow(TypeError)
  })
})

describe('the limit of sessions', () => {
  it('evicts the oldest, whose holder learns why', async () => {
    const started = await signInThrice({ sessionsPerSubject: { max: 3 } })
    const [first, ...others] = started.issued
    const closed = vi.fn()
    started.engine.attach(must(first).session, closed)
    await started.engine.issue({ subject: 'alice' })
    expect(await outcome(started, must(first))).toBe('evicted')
    expect(closed).toHaveBeenCalledWith({ cause: 'revoked', reason: 'evicted' })
    for (const other of others) expect(await outcome(started, other)).toBe('live')
    expect(started.told()).toContain('session_evicted')
  })

  it('evicts the one idle longest, when set to', async () => {
    const started = await signInThrice({ sessionsPerSubject: { max: 3, whenFull: 'evict-idle' } })
    const [first, second_] = started.issued
    started.clock.advance(10 * minute)
    expect(await outcome(started, must(first))).toBe('live')
    started.clock.advance(second)
    await settle()
    await started.engine.issue({ subject: 'alice' })
    expect(await outcome(started, must(first))).toBe('live')
    expect(await outcome(started, must(second_))).toBe('evicted')
  })

  it('refuses, when set to, and changes nothing', async () => {
    const started = await signInThrice({ sessionsPerSubject: { max: 3, whenFull: 'refuse' } })
    started.told()
    await expect(started.engine.issue({ subject: 'alice' })).rejects.toMatchObject({ code: 'session-limit', status: 403 })
    for (const issued of started.issued) expect(await outcome(started, issued)).toBe('live')
    expect(started.told()).toEqual([])
  })

  it('counts no ended session, no other subject and no visitor', async () => {
    const started = await signInThrice({ sessionsPerSubject: { max: 3, whenFull: 'refuse' } })
    await started.engine.issue({ subject: 'bob' })
    await started.engine.issueAnonymous()
    await started.engine.revoke({ session: must(started.issued[0]).session.id })
    await started.engine.issue({ subject: 'alice' })
    started.clock.advance(31 * minute)
    await started.engine.issue({ subject: 'alice' })
    expect(await liveIds(started)).toHaveLength(1)
  })

  it('can be lifted', async () => {
    const started = start({ sessionsPerSubject: 'unlimited' })
    for (let at = 0; at < 50; at += 1) await started.engine.issue({ subject: 'alice' })
    expect(await liveIds(started)).toHaveLength(50)
  })

  it.each(['evict-oldest', 'evict-idle', 'refuse'] as const)('holds under 64 simultaneous sign-ins with %s', async (whenFull) => {
    const started = start({ sessionsPerSubject: { max: 5, whenFull } })
    const results = await Promise.allSettled(Array.from({ length: 64 }, () => started.engine.issue({ subject: 'alice' })))
    const issued = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(issued).toHaveLength(whenFull === 'refuse' ? 5 : 64)
    expect(await liveIds(started)).toHaveLength(5)
    const outcomes = await Promise.all(issued.map((one) => outcome(started, one)))
    expect(outcomes.filter((one) => one === 'live')).toHaveLength(5)
    expect(new Set(outcomes)).toEqual(new Set(whenFull === 'refuse' ? ['live'] : ['live', 'evicted']))
  })
})

describe('a sign-in that replaces a session', () => {
  it('ends it in the same step and does not count it', async () => {
    const started = await signInThrice({ sessionsPerSubject: { max: 3, whenFull: 'refuse' } })
    const old = must(started.issued[1])
    const closed = vi.fn()
    started.engine.attach(old.session, closed)
    await started.engine.issue({ subject: 'alice', replaces: old.session.id })
    expect(await outcome(started, old)).toBe('replaced')
    expect(closed).toHaveBeenCalledWith({ cause: 'revoked', reason: 'replaced' })
    expect(await liveIds(started)).toHaveLength(3)
  })

  it.each([
    ["another subject's", { subject: 'bob' }],
    ["a visitor's", null],
  ])('ends %s too', async (_, owner) => {
    const started = start()
    const old = owner === null ? await started.engine.issueAnonymous() : await started.engine.issue(owner)
    await started.engine.verify(old.token)
    await started.engine.issue({ subject: 'alice', replaces: old.session.id })
    expect(await outcome(started, old)).toBe('replaced')
  })

  it('says nothing of a session that it did not end', async () => {
    const started = start()
    const ended = await started.engine.issue({ subject: 'bob' })
    await started.engine.revoke({ session: ended.session.id })
    started.told()
    await started.engine.issue({ subject: 'alice', replaces: ended.session.id })
    await started.engine.issue({ subject: 'alice', replaces: 'no such session' })
    expect(started.told()).toEqual(['session_created', 'session_created'])
    expect(await outcome(started, ended)).toBe('admin')
  })

  it("has not happened when another subject's session could not be ended, which then counts as ended here", async () => {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store })
    const old = await started.engine.issue({ subject: 'bob' })
    failing.failing = new Set(['revoke'])
    await expect(started.engine.issue({ subject: 'alice', replaces: old.session.id })).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    expect(await outcome(started, old)).toBe('replaced')
  })
})

describe('a sign-in that the store did not acknowledge', () => {
  it('leaves no live session behind, although it was written', async () => {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store })
    failing.failAt(1, 'after')
    await expect(started.engine.issue({ subject: 'alice' })).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(started.engine.issueAnonymous()).resolves.toBeDefined()
    expect(await liveIds(started)).toEqual([])
  })
})
