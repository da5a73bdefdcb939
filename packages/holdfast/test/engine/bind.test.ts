import { describe, expect, it } from 'vitest'
import type { ChangePolicy } from '../../src/engine/options.ts'
import { chrome, firefox, minute, must, outcome, type Started, second, settle, start } from './support/start.ts'

const elsewhere = { ...firefox, ip: '198.51.100.9' }
const neighbour = { ...firefox, ip: '203.0.113.99' }
const updated = { ...firefox, userAgent: firefox.userAgent.replaceAll('143', '160') }

async function signedIn(options: { fingerprint?: ChangePolicy; ipChange?: ChangePolicy }) {
  const started = start(options)
  const issued = await started.engine.issue({ subject: 'alice', context: firefox })
  await started.engine.verify(issued.token, firefox)
  // An observation of the same instant is no later one.
  started.clock.advance(1)
  started.told()
  return { ...started, issued }
}

async function stepUpRequired({ engine }: Started, { token }: { token: string }, context?: typeof firefox) {
  const verdict = await engine.verify(token, context)
  return verdict.status === 'live' && verdict.session.stepUpRequired
}

const cases = [
  { policy: 'off', answer: 'live', stepUp: false, tells: false },
  { policy: 'log', answer: 'live', stepUp: false, tells: true },
  { policy: 'step-up', answer: 'live', stepUp: true, tells: true },
  { policy: 'deny', answer: 'binding-mismatch', stepUp: false, tells: true },
  { policy: 'revoke', answer: 'binding-mismatch', stepUp: false, tells: true },
] as const

describe.each([
  { option: 'fingerprint', changed: chrome, kind: 'session_binding_mismatch' },
  { option: 'ipChange', changed: elsewhere, kind: 'session_ip_changed' },
] as const)('a change of the client with $option', ({ option, changed, kind }) => {
  it.each(cases)('set to $policy answers $answer', async ({ policy, answer, stepUp, tells }) => {
    const started = await signedIn({ fingerprint: 'off', ipChange: 'off', [option]: policy })
    expect(await outcome(started, started.issued, changed)).toBe(answer)
    expect(started.events.filter((event) => event.kind === kind)).toHaveLength(tells ? 1 : 0)
    if (tells) expect(started.events[0]).toMatchObject({ outcome: policy, ip: changed.ip, subject: 'alice' })
    expect(await stepUpRequired(started, started.issued, changed)).toBe(stepUp)
    // The owner goes on, except where the policy ends the session for everyone.
    expect(await outcome(started, started.issued, firefox)).toBe(policy === 'revoke' ? 'binding-mismatch' : 'live')
    expect(await stepUpRequired(started, started.issued, firefox)).toBe(false)
  })

  it('is compared again for each client, whatever was remembered for another', async () => {
    const started = await signedIn({ fingerprint: 'off', ipChange: 'off', [option]: 'deny' })
    for (let round = 0; round < 3; round += 1) {
      expect(await outcome(started, started.issued, firefox)).toBe('live')
      expect(await outcome(started, started.issued, changed)).toBe('binding-mismatch')
      expect(await outcome(started, started.issued, undefined)).toBe('live')
      expect(await outcome(started, started.issued, changed)).toBe('binding-mismatch')
    }
  })

  it('asks nothing of a caller without a request, whatever was remembered for another', async () => {
    const started = await signedIn({ fingerprint: 'off', ipChange: 'off', [option]: 'step-up' })
    expect(await stepUpRequired(started, started.issued, changed)).toBe(true)
    expect(await stepUpRequired(started, started.issued)).toBe(false)
    expect(await stepUpRequired(started, started.issued, changed)).toBe(true)
  })
})

describe('the client', () => {
  it('is compared when it tells nothing of itself, although a caller without a request was let pass', async () => {
    const started = start()
    const issued = await started.engine.issue({ subject: 'alice', context: firefox })
    expect(await outcome(started, issued)).toBe('live')
    expect(await outcome(started, issued, {})).toBe('binding-mismatch')
  })

  it('may update, and move within its network, unnoticed', async () => {
    const started = await signedIn({ fingerprint: 'revoke', ipChange: 'revoke' })
    expect(await outcome(started, started.issued, updated)).toBe('live')
    expect(await outcome(started, started.issued, neighbour)).toBe('live')
    expect(started.told()).toEqual([])
  })

  it.each([
    { fingerprint: 'step-up', ipChange: 'deny' },
    { fingerprint: 'deny', ipChange: 'step-up' },
    { fingerprint: 'deny', ipChange: 'log' },
  ] as const)('is denied by the stricter of two policies: %j', async (policies) => {
    const started = await signedIn(policies)
    expect(await outcome(started, started.issued, { ...chrome, ip: elsewhere.ip })).toBe('binding-mismatch')
    expect(started.told()).toEqual(['session_binding_mismatch', 'session_ip_changed'])
  })

  it('becomes the session own by a step-up', async () => {
    const started = await signedIn({ fingerprint: 'step-up', ipChange: 'step-up' })
    const moved = { ...chrome, ip: elsewhere.ip }
    expect(await stepUpRequired(started, started.issued, moved)).toBe(true)
    const raised = must(await started.engine.elevate(started.issued.session.id, { amr: ['otp'], context: moved }))
    expect(raised.session).toMatchObject({ lastIp: elsewhere.ip, label: 'Chrome on Windows', stepUpRequired: false })
    expect(await stepUpRequired(started, raised, moved)).toBe(false)
    expect(await stepUpRequired(started, raised, firefox)).toBe(true)
  })

  it('does not become the session own by trying again', async () => {
    const started = await signedIn({ ipChange: 'step-up' })
    for (let round = 0; round < 3; round += 1) {
      expect(await stepUpRequired(started, started.issued, elsewhere)).toBe(true)
      started.clock.advance(4 * minute)
      await settle()
    }
    expect((await started.engine.get(started.issued.session.id))?.lastIp).toBe(firefox.ip)
  })

  it('that waits for its step-up causes no more writes than any other', async () => {
    const writes: number[] = []
    const started = await signedIn({ ipChange: 'step-up' })
    const { touch } = started.store
    Object.assign(started.store, {
      touch: (sightings: Parameters<typeof touch>[0]) => {
        writes.push(sightings.length)
        return touch(sightings)
      },
    })
    for (let passed = 0; passed < 30; passed += 1) {
      await started.engine.verify(started.issued.token, elsewhere)
      started.clock.advance(second)
      await settle()
    }
    expect(writes).toEqual([])
  })

  it('in a new network is told of once, and is the known one from then on', async () => {
    const started = await signedIn({ ipChange: 'log' })
    for (let round = 0; round < 3; round += 1) {
      await started.engine.verify(started.issued.token, elsewhere)
      started.clock.advance(second)
      await settle()
    }
    expect(started.told()).toEqual(['session_ip_changed'])
    expect((await started.engine.get(started.issued.session.id))?.lastIp).toBe(elsewhere.ip)
  })

  it('with an address beyond any length is bounded, and is not told of again at each check', async () => {
    const started = await signedIn({ ipChange: 'log' })
    const endless = { ...firefox, ip: 'f'.repeat(5000) }
    for (let round = 0; round < 3; round += 1) await started.engine.verify(started.issued.token, endless)
    started.clock.advance(second)
    await settle()
    expect(started.told()).toEqual(['session_ip_changed'])
    expect((await started.engine.get(started.issued.session.id))?.lastIp).toHaveLength(64)
  })

  it('that calls itself no browser does not pass for the one that the session is bound to', async () => {
    const started = await signedIn({ fingerprint: 'deny' })
    expect(await outcome(started, started.issued, { ...firefox, userAgent: 'curl/8.0' })).toBe('binding-mismatch')
    expect(await outcome(started, started.issued, { ip: firefox.ip })).toBe('binding-mismatch')
  })
})
