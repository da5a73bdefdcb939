import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/engine/errors.ts'
import { Moves } from '../../src/engine/moves.ts'
import { chrome, firefox, minute, outcome, type StartOptions, start } from './support/start.ts'

const home = firefox
const away = { ...firefox, ip: '198.51.100.9' }
const third = { ...firefox, ip: '192.0.2.33' }
const overIpv6 = { ...firefox, ip: '2001:db8:1:2::5' }

type Context = typeof firefox

async function told(contexts: readonly Context[], pause = 1000, options: StartOptions = {}): Promise<string[]> {
  const started = start(options)
  const issued = await started.engine.issue({ subject: 'alice', context: home })
  for (const context of contexts) {
    started.clock.advance(pause)
    expect(await outcome(started, issued, context)).toBe('live')
  }
  return started.told().filter((kind) => kind === 'session_several_networks')
}

describe('a session that is used from several networks at once', () => {
  it('is told of once it went back and forth, and again when it goes on', async () => {
    expect(await told([away, home, away])).toEqual(['session_several_networks'])
    expect(await told([away, home, away, home])).toHaveLength(1)
    expect(await told([away, home, away, home, away, home, away])).toHaveLength(2)
  })

  it('names the session, the subject and the address', async () => {
    const started = start()
    const issued = await started.engine.issue({ subject: 'alice', context: home })
    for (const context of [away, home, away]) {
      started.clock.advance(1000)
      await started.engine.verify(issued.token, context)
    }
    expect(started.events.at(-1)).toMatchObject({
      kind: 'session_several_networks',
      session: issued.session.id,
      subject: 'alice',
      ip: away.ip,
    })
  })

  it('is not one that travels, comes home, or speaks both families', async () => {
    expect(await told([away, third])).toEqual([])
    expect(await told([away, home])).toEqual([])
    expect(await told([away, away, away, home, home])).toEqual([])
    expect(await told([overIpv6, home, overIpv6, home, overIpv6, home])).toEqual([])
    expect(await told([away, home, away, home], 3 * minute)).toEqual([])
  })

  it('is told of between two networks of IPv6, and not where the address is no matter', async () => {
    const other = { ...firefox, ip: '2001:db8:9:9::5' }
    expect(await told([overIpv6, other, overIpv6, other])).toHaveLength(1)
    expect(await told([away, home, away, home], 1000, { ipChange: 'off' })).toEqual([])
  })

  it('is remembered for so many sessions, and so many moves', () => {
    const moves = new Moves()
    for (let at = 0; at < 10_050; at += 1) moves.note(`s${at}`, home.ip, away.ip, at)
    expect(moves.size).toBe(10_000)
    expect(moves.note('s0', home.ip, away.ip, 10_050)).toBe(false)
    for (let at = 0; at < 1000; at += 1)
      expect(moves.note('far', home.ip, `10.0.${at % 250}.1`, 20_000 + at * 30_000)).toBe(false)
  })
})

describe('shadow mode', () => {
  const kinds = ['session_policy_shadow']

  it('tells what a stricter policy would have done, and does nothing', async () => {
    const started = start({ fingerprint: 'log', ipChange: 'off', shadow: { fingerprint: 'deny', ipChange: 'revoke' } })
    const issued = await started.engine.issue({ subject: 'alice', context: home })
    started.told()
    started.clock.advance(1)
    expect(await outcome(started, issued, { ...chrome, ip: away.ip })).toBe('live')
    expect(started.events.map(({ kind, reason, outcome: done }) => [kind, reason, done])).toEqual([
      ['session_binding_mismatch', null, 'log'],
      ['session_policy_shadow', 'fingerprint', 'deny'],
      ['session_policy_shadow', 'ip-change', 'revoke'],
    ])
    expect(await outcome(started, issued, home)).toBe('live')
  })

  it('leaves the policy in force as it is', async () => {
    const plain = start({ fingerprint: 'deny' })
    const shadowed = start({ fingerprint: 'deny', shadow: { fingerprint: 'revoke' } })
    for (const started of [plain, shadowed]) {
      const issued = await started.engine.issue({ subject: 'alice', context: home })
      expect(await outcome(started, issued, chrome)).toBe('binding-mismatch')
      expect(await outcome(started, issued, home)).toBe('live')
    }
    expect(shadowed.told().filter((kind) => !kinds.includes(kind))).toEqual(plain.told())
  })

  it('records no address that the policy in force would not', async () => {
    const seen = async (options: StartOptions) => {
      const started = start({ ...options, ipChange: 'off' })
      const { token } = await started.engine.issue({ subject: 'alice', context: home })
      started.clock.advance(1000)
      const verdict = await started.engine.verify(token, away)
      return verdict.status === 'live' && verdict.session.lastIp
    }
    expect(await seen({ shadow: { ipChange: 'deny' } })).toBe(await seen({}))
  })

  it.each([
    [{ fingerprint: 'log' }, 'shadow.fingerprint', /stricter than fingerprint, which is deny/],
    [{ ipChange: 'log' }, 'shadow.ipChange', /stricter than ipChange, which is log/],
    [{ fingerprint: 'harder' }, 'shadow.fingerprint', /must be one of/],
    [{ agent: 'deny' }, 'shadow.agent', /is not an option/],
    ['deny', 'shadow', /must be an object/],
  ])('refuses %o', (shadow, field, message) => {
    let fault: unknown
    try {
      start({ shadow: shadow as never })
    } catch (thrown) {
      fault = thrown
    }
    expect(fault).toBeInstanceOf(ConfigurationError)
    const [problem, ...others] = (fault as ConfigurationError).problems
    expect([problem?.field, others]).toEqual([field, []])
    expect(problem?.message).toMatch(message)
  })
})
