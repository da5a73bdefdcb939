/** Parallel checks of one credential share one lookup, and nothing more than that. */
import { describe, expect, it } from 'vitest'
import { chrome, firefox, must, outcome, outcomeOf, settle } from './support/start.ts'
import { twoNodes } from './support/two-nodes.ts'

const get = new Set(['get'] as const)
const none = new Set<never>()

describe('single flight', () => {
  it('asks the store once for 64 checks of one credential, and once each for others', async () => {
    const { here, there, holding, issued, gets } = await twoNodes({ rememberedChecks: 0 })
    const other = await there.engine.issue({ subject: 'bob' })
    holding.holding = get
    const checks = Array.from({ length: 64 }, (_, at) => here.engine.verify(at % 2 === 0 ? issued.token : other.token))
    expect(gets()).toBe(2)
    for (const held of holding.held) held.answer()
    const subjects = (await Promise.all(checks)).map((verdict) => (verdict.status === 'live' ? verdict.session.subject : verdict))
    expect(subjects).toEqual(Array.from({ length: 64 }, (_, at) => (at % 2 === 0 ? 'alice' : 'bob')))
  })

  it('shares the record, never the verdict: each client is compared', async () => {
    const { here, holding, issued } = await twoNodes()
    holding.holding = get
    const checks = [firefox, chrome, undefined, firefox].map((client) => here.engine.verify(issued.token, client))
    expect(holding.held).toHaveLength(1)
    must(holding.held[0]).answer()
    expect((await Promise.all(checks)).map(outcomeOf)).toEqual(['live', 'binding-mismatch', 'live', 'live'])
  })

  it('does not join a current and a superseded secret of one session', async () => {
    const { here, there, holding, issued, id } = await twoNodes()
    const renewed = must(await there.engine.regenerate(id))
    holding.holding = get
    const checks = [here.engine.verify(issued.token), here.engine.verify(renewed.token)]
    expect(holding.held).toHaveLength(2)
    for (const held of holding.held) held.answer()
    expect((await Promise.all(checks)).map(outcomeOf)).toEqual(['superseded', 'live'])
  })

  it('is not joined by a fresh check, and goes on beside one', async () => {
    const { here, holding, issued } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    const fresh = here.engine.verify(issued.token, undefined, { fresh: true })
    const joined = here.engine.verify(issued.token)
    expect(holding.held).toHaveLength(2)
    for (const held of holding.held) held.answer()
    expect((await Promise.all([slow, fresh, joined])).map(outcomeOf)).toEqual(['live', 'live', 'live'])
  })

  it('fails for all that joined and for nobody after', async () => {
    const { here, clock, holding, issued } = await twoNodes()
    holding.holding = get
    const checks = Array.from({ length: 8 }, () => here.engine.verify(issued.token))
    clock.advance(500)
    expect(new Set((await Promise.all(checks)).map(outcomeOf))).toEqual(new Set(['store-unavailable']))
    holding.holding = none
    expect(await outcome(here, issued)).toBe('live')
    // The answer that comes too late changes nothing.
    await here.engine.revoke({ session: issued.session.id }, { reason: 'logout' })
    must(holding.held[0]).answer()
    await settle()
    expect(await outcome(here, issued)).toBe('logout')
  })
})
