import { describe, expect, test } from 'vitest'
import type { Session } from '../../src/engine/session.ts'
import { Exchange } from '../../src/http/exchange.ts'
import { checkRequirement, judgeRequirement, parseRequirement } from '../../src/http/guard.ts'
import { type Attributes, ConfigurationError, type SessionRequirement } from '../../src/index.ts'
import { createWorld } from './app.ts'
import { fakeCarrier } from './fake-carrier.ts'

const world = createWorld()
const now = world.clock.now()

async function session(change: Partial<Session> = {}): Promise<Session> {
  const issued = await world.holdfast.issue({ subject: 'alice' })
  return { ...issued.session, ...change }
}

async function outcome(requirement: SessionRequirement, change: Partial<Session> = {}): Promise<string> {
  const exchange = new Exchange(world.holdfast.http, fakeCarrier({ headers: { host: 'localhost' } }))
  exchange.adopt(await session(change))
  const answer = judgeRequirement(exchange, parseRequirement(requirement))
  return answer === undefined ? 'passes' : String((JSON.parse(answer.body ?? '{}') as { code: string }).code)
}

const minute = 60_000

/** Signed in long ago, stepped up `age` ago for `left` more. */
function steppedUp(age: number, left: number): Partial<Session> {
  return { authTime: 0, elevatedAt: now - age, elevatedUntil: now + left }
}

describe('a guard', () => {
  test.each<[string, SessionRequirement, Partial<Session>, string]>([
    ['anyone signed in', {}, {}, 'passes'],
    ['a visitor where visitors may not be', {}, { anonymous: true, subject: null }, 'session-required'],
    ['a visitor where they may', { anonymous: true }, { anonymous: true, subject: null }, 'passes'],
    ['a proof of identity just young enough', { freshness: '5m' }, { authTime: now - 5 * minute }, 'passes'],
    ['one too old', { freshness: '5m' }, { authTime: now - 5 * minute - 1 }, 'step-up-required'],
    ['none', { freshness: '5m' }, { authTime: null }, 'step-up-required'],
    ['an old one with a step-up that holds', { freshness: '5m' }, steppedUp(5 * minute, 1), 'passes'],
    ['an old one with a step-up that ended', { freshness: '5m' }, steppedUp(minute, 0), 'step-up-required'],
    [
      'an old one with a step-up that holds and is too old',
      { freshness: '5m' },
      steppedUp(5 * minute + 1, 1),
      'step-up-required',
    ],
    ['one with a step-up of unknown age', { freshness: '5m' }, { ...steppedUp(0, 1), elevatedAt: null }, 'step-up-required'],
    ['one of the levels', { assurance: { acr: ['aal2', 'aal3'] } }, { acr: 'aal3' }, 'passes'],
    ['another level', { assurance: { acr: 'aal2' } }, { acr: 'aal1' }, 'step-up-required'],
    ['no level', { assurance: { acr: 'aal2' } }, { acr: null }, 'step-up-required'],
    ['all methods', { assurance: { amr: ['pwd', 'otp'] } }, { amr: ['otp', 'pwd'] }, 'passes'],
    ['one method of two', { assurance: { amr: ['pwd', 'otp'] } }, { amr: ['pwd'] }, 'step-up-required'],
    [
      'a changed client, for something sensitive',
      { freshness: '5m' },
      { authTime: now, stepUpRequired: true },
      'step-up-required',
    ],
    ['a changed client, for something that is not', {}, { stepUpRequired: true }, 'passes'],
    ['the right value', { attributes: { role: 'admin' } }, { attributes: { role: 'admin', other: 1 } }, 'passes'],
    ['a wrong value', { attributes: { role: 'admin' } }, { attributes: { role: 'user' } }, 'forbidden'],
    ['no value', { attributes: { role: 'admin' } }, { attributes: {} }, 'forbidden'],
    ['an inherited value', { attributes: JSON.parse('{"__proto__":{}}') as Attributes }, { attributes: {} }, 'forbidden'],
    ['a value inside', { attributes: { org: { id: 7 } } }, { attributes: { org: { id: 7, name: 'x' } } }, 'passes'],
    ['a wrong value inside', { attributes: { org: { id: 7 } } }, { attributes: { org: [7] } }, 'forbidden'],
    ['the same list', { attributes: { tags: ['a', 'b'] } }, { attributes: { tags: ['a', 'b'] } }, 'passes'],
    ['a longer list', { attributes: { tags: ['a'] } }, { attributes: { tags: ['a', 'b'] } }, 'forbidden'],
    ['what a function says', { attributes: ({ role }) => role === 'admin' }, { attributes: { role: 'user' } }, 'forbidden'],
    ['a promise of a function', { attributes: (async () => false) as never }, {}, 'forbidden'],
    ['what is not quite true', { attributes: (() => 'no') as never }, {}, 'forbidden'],
  ])('meets %s', async (_what, requirement, change, expected) => {
    expect(await outcome(requirement, change)).toBe(expected)
  })

  test('a challenge tells what to come back with, and lets nothing out of its quotes', async () => {
    const exchange = new Exchange(world.holdfast.http, fakeCarrier({ headers: { host: 'localhost' } }))
    exchange.adopt(await session({ authTime: 0 }))
    const requirement = parseRequirement({ freshness: '90s', assurance: { acr: ['a"b\\c\r\n', 'aal2'] } })
    expect(judgeRequirement(exchange, requirement)?.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="abc aal2", max_age=90',
    )
  })

  test.each([{ freshnes: '5m' }, { freshness: '5 minutes' }, { freshness: -1 }, { assurance: { acrs: 'x' } }, { fresh: 'no' }])(
    'a misspelt requirement stops at once instead of letting people in: %j',
    (requirement) => {
      expect(() => parseRequirement(requirement as SessionRequirement)).toThrow(ConfigurationError)
    },
  )
})

describe('a requirement that asks the store', () => {
  const presenting = async (token: string): Promise<Exchange> => {
    const exchange = new Exchange(
      world.holdfast.http,
      fakeCarrier({ headers: { host: 'localhost', cookie: `session=${token}` } }),
    )
    await exchange.check()
    return exchange
  }

  test('takes the session that this request began for what it is: its credential named the one before', async () => {
    const before = await world.holdfast.issue({ subject: 'alice' })
    const exchange = await presenting(before.token)
    exchange.adopt((await world.holdfast.issue({ subject: 'alice', replaces: before.session.id })).session)
    expect(await checkRequirement(exchange, parseRequirement({ fresh: true }))).toBeUndefined()
  })

  test('asks at once where the store answers at once', async () => {
    const exchange = await presenting((await world.holdfast.issue({ subject: 'alice' })).token)
    const { live } = world.holdfast.stats().verdicts
    expect(checkRequirement(exchange, parseRequirement({ fresh: true }))).toBeUndefined()
    expect(world.holdfast.stats().verdicts.live).toBe(live + 1)
  })
})
