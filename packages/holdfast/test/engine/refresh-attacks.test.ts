/** Refresh tokens where they do not belong, and refreshes that run into what ends or renews their session. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RefreshVerdict } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { firefox, must, outcomeOf, type StartOptions, second, start } from './support/start.ts'
import { remoteFeed, wrapStore } from './support/stores.ts'

async function granted(options: StartOptions = {}) {
  const started = start(options)
  const issued = await started.engine.issueTokens({ subject: 'alice', context: firefox })
  const refused = async (token: string) => {
    const verdict = await started.engine.refresh(token, firefox)
    return verdict.status === 'dead' ? verdict.reason : verdict.status
  }
  return { ...started, issued, id: issued.session.id, refused }
}

it('a token of another kind is no refresh token, be it of the very session, and ends nothing', async () => {
  const { engine, store, issued, id, refused } = await granted({ jwt: { issuer: 'https://auth.example' } })
  const cookie = await engine.issue({ subject: 'alice' })
  const tokens = [
    issued.accessToken,
    (await engine.issueTokens({ subject: 'alice', format: 'jwt' })).accessToken,
    cookie.token,
    (await engine.issueAnonymous()).token,
    (await engine.issueTicket(cookie.session)).ticket,
  ]
  for (const token of tokens) expect(await refused(token)).toBe('invalid')
  expect(must(await store.get(id)).revokedAt).toBeNull()
  expect(await refused(issued.refreshToken)).toBe('live')
})

it('a refresh token opens no session that is not carried by tokens, whoever signed it', async () => {
  const { store, issued, id, refused } = await granted()
  const record = must(await store.get(id))
  await store.replace({ ...record, grant: null }, record.revision)
  expect(await refused(issued.refreshToken)).toBe('invalid')
  expect(must(await store.get(id)).revokedAt).toBeNull()
})

describe('a refresh token from before a new secret', () => {
  it('is no sign of theft while requests of its moment may be in flight, and one afterwards', async () => {
    const { engine, clock, issued, id, refused } = await granted()
    const renewed = must(await engine.regenerate(id))
    clock.advance(30 * second - 1)
    expect(await refused(issued.refreshToken)).toBe('superseded')
    expect(outcomeOf(await engine.verify(renewed.token, firefox))).toBe('live')
    clock.advance(1)
    expect(await refused(issued.refreshToken)).toBe('reuse')
    expect(outcomeOf(await engine.verify(renewed.token, firefox))).toBe('reuse')
  })

  it('is none either once the new one was exchanged, be it often', async () => {
    const { engine, clock, issued, id, refused } = await granted()
    const renewed = async (token: string) => {
      const verdict = await engine.refresh(token, firefox)
      if (verdict.status !== 'live') throw new TypeError(`expected to be refreshed: ${JSON.stringify(verdict)}`)
      return verdict.refreshToken
    }
    const before = [issued.refreshToken, await renewed(issued.refreshToken)] as const
    let token = must(must(await engine.regenerate(id)).refreshToken)
    for (let time = 1; time <= 3; time += 1) {
      clock.advance(9 * second)
      token = await renewed(token)
      for (const earlier of before) expect(await refused(earlier)).toBe('superseded')
    }
    expect(await refused(token)).toBe('live')
    clock.advance(3 * second)
    expect(await refused(before[1])).toBe('reuse')
  })

  it('is no such token where there never was a new secret: one that is too old is reused', async () => {
    const { store, issued, id, refused } = await granted()
    const record = must(await store.get(id))
    await store.replace({ ...record, generation: record.generation + 1 }, record.revision)
    expect(await refused(issued.refreshToken)).toBe('reuse')
  })
})

const atOnce = 64
type Node = ReturnType<typeof start>
/** What runs into them, and whether the session lives on. */
const interruptions: Readonly<Record<string, (node: Node, id: string) => Promise<unknown>>> = {
  'the end of its session': ({ engine }, id) => engine.revoke({ session: id }, { reason: 'logout' }),
  'the end of all of its subject': ({ engine }) => engine.revoke({ subject: 'alice' }, { reason: 'credential-change' }),
  'a new secret': ({ engine }, id) => engine.regenerate(id),
}

/** Every call of the store takes effect, and is answered, when the scheduler says so. */
async function race(scheduler: fc.Scheduler, name: string) {
  const inner = memoryStore()
  const turn = <T>(value: T, label: string): Promise<T> => scheduler.schedule(Promise.resolve(value), label)
  const { issued, id, clock } = await granted({ store: inner })
  const nodes = [2, 3].map((seed) => {
    const store = wrapStore(
      inner,
      (method, effect) =>
        turn(null, method).then(async () => turn(await effect(), `${method} is answered`)) as ReturnType<typeof effect>,
      remoteFeed(inner.changes),
    )
    return start({ store, seed, clock, maxInFlight: 1000 })
  })
  const [here, there] = [must(nodes[0]), must(nodes[1])]
  const refreshing = Array.from({ length: atOnce }, async (_, at) => {
    await turn(null, 'refresh')
    return (at % 2 === 0 ? here : there).engine.refresh(issued.refreshToken, firefox)
  })
  const interrupting = turn(null, name).then(() => must(interruptions[name])(here, id))
  const [interrupted, ...answers] = await scheduler.waitFor(Promise.all([interrupting, ...refreshing] as const))
  return { answers, interrupted, after: start({ store: inner, clock, seed: 4 }), issued, id }
}

/** Every token that was handed out, before and during. */
function tokensOf(answers: readonly RefreshVerdict[]) {
  const live = answers.flatMap((verdict) => (verdict.status === 'live' ? [verdict] : []))
  return {
    access: live.map(({ accessToken }) => accessToken),
    refresh: [...new Set(live.map(({ refreshToken }) => refreshToken))],
  }
}

describe.each(Object.keys(interruptions))(`${atOnce} refreshes on two nodes and %s`, (name) => {
  it('leave no token that works, whichever came first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { answers, after, issued, id, interrupted } = await race(scheduler, name)
        expect(answers.map(({ status }) => status)).not.toContain('unknown')
        const { access, refresh } = tokensOf(answers)
        expect(refresh.length).toBeLessThanOrEqual(1)
        for (const token of [issued.accessToken, ...access])
          expect((await after.engine.verify(token, firefox, { fresh: true })).status).toBe('dead')
        for (const token of [issued.refreshToken, ...refresh])
          expect((await after.engine.refresh(token, firefox)).status).toBe('dead')
        // A race is no theft: what lives on, lives on.
        expect(must(await after.store.get(id)).reason).not.toBe('reuse')
        if (name !== 'a new secret') return
        const renewed = interrupted as { readonly refreshToken: string }
        expect((await after.engine.refresh(renewed.refreshToken, firefox)).status).toBe('live')
      }),
      { numRuns: 10, seed: 7 },
    )
  })
})
