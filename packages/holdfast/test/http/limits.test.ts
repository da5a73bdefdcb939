import { describe, expect, test } from 'vitest'
import { Exchange } from '../../src/http/exchange.ts'
import { enter } from '../../src/http/gate.ts'
import { judgeRequirement, parseRequirement } from '../../src/http/guard.ts'
import type { HoldfastOptions } from '../../src/index.ts'
import { createWorld, type World } from './app.ts'
import { fakeCarrier } from './fake-carrier.ts'

const guarded = parseRequirement()

function open({ holdfast }: World, headers: Readonly<Record<string, string>>): Exchange {
  const exchange = new Exchange(holdfast.http, fakeCarrier({ headers: { host: 'localhost', ...headers } }))
  return exchange
}

async function guardAnswer(
  world: World,
  authorization: string,
): Promise<{ status: number; code: string; retryAfter?: string } | 'passes'> {
  const exchange = open(world, { authorization })
  await enter(exchange)
  const answer = judgeRequirement(exchange, guarded)
  if (answer === undefined) return 'passes'
  const { code } = JSON.parse(answer.body ?? '') as { code: string }
  const retryAfter = answer.headers['retry-after']
  return { status: answer.status, code, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

const limitedWorld = (options: Partial<HoldfastOptions>) => createWorld(options)

describe('the budget of invalid tokens', () => {
  test('ends in 429 for a source that goes on, and spares its live sessions', async () => {
    const world = limitedWorld({ failedTokensPerMinute: 3 })
    const { token } = await world.holdfast.issue({ subject: 'alice' })
    const forged = `Bearer ${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    for (let count = 0; count < 3; count += 1) expect(await guardAnswer(world, forged)).toMatchObject({ status: 401 })
    expect(await guardAnswer(world, forged)).toEqual({ status: 429, code: 'rate-limited', retryAfter: '60' })
    expect(await guardAnswer(world, `Bearer ${token}`)).toBe('passes')
    world.clock.advance(60_000)
    expect(await guardAnswer(world, forged)).toMatchObject({ status: 401, code: 'session-required' })
  })

  test('counts no session that was once ours', async () => {
    const world = limitedWorld({ failedTokensPerMinute: 1 })
    const { session, token } = await world.holdfast.issue({ subject: 'alice' })
    await world.holdfast.revoke({ session: session.id })
    for (let count = 0; count < 5; count += 1) {
      expect(await guardAnswer(world, `Bearer ${token}`)).toMatchObject({ status: 401, code: 'session-revoked' })
    }
  })

  test('counts refresh tokens too', async () => {
    const world = limitedWorld({ failedTokensPerMinute: 2 })
    const headers = { host: 'localhost', authorization: `Bearer hfr1_${'A'.repeat(104)}` }
    const refresh = async () => {
      const carrier = fakeCarrier({ method: 'POST', target: '/auth/refresh', headers })
      return (await enter(new Exchange(world.holdfast.http, carrier)))?.status
    }
    expect([await refresh(), await refresh(), await refresh()]).toEqual([401, 401, 429])
    expect(await guardAnswer(world, 'Bearer hf1_x')).toMatchObject({ status: 429 })
  })

  test('asks the store nothing: a forgery costs no more for being counted', async () => {
    const world = limitedWorld({ failedTokensPerMinute: 1 })
    world.failStore(true)
    expect(await guardAnswer(world, 'Bearer hf1_x')).toMatchObject({ status: 401 })
    expect(await guardAnswer(world, 'Bearer hf1_x')).toMatchObject({ status: 429 })
  })
})

describe('the budget of sign-ins', () => {
  const signIn = (world: World) => open(world, {}).signIn({ subject: 'alice' })

  test('is per source and minute, and a refused sign-in starts nothing', async () => {
    const world = limitedWorld({ signInsPerMinute: 2 })
    await signIn(world)
    await signIn(world)
    await expect(signIn(world)).rejects.toMatchObject({ code: 'rate-limited', retryAfter: 60 })
    expect((await world.holdfast.list({ subject: 'alice' })).items).toHaveLength(2)
    world.clock.advance(60_000)
    await expect(signIn(world)).resolves.toBeDefined()
  })

  test('lets nobody in uncounted when the counters cannot be reached', async () => {
    const world = limitedWorld({})
    world.failStore(true)
    await expect(signIn(world)).rejects.toMatchObject({ code: 'store-unavailable' })
  })
})
