import { describe, expect, it } from 'vitest'
import type { EngineApi } from '../../src/engine/api.ts'
import type { IssuedTokens } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { firefox, newerSecret, type StartOptions, secret, start } from './support/start.ts'

async function granted(options: StartOptions) {
  const started = start(options)
  const issued = await started.engine.issueTokens({ subject: 'alice', context: firefox })
  return { ...started, id: issued.session.id, first: issued.refreshToken }
}

interface Refreshing {
  readonly engine: EngineApi
}

/** The tokens of a refresh that must succeed. */
async function next({ engine }: Refreshing, token: string): Promise<IssuedTokens> {
  const verdict = await engine.refresh(token, firefox)
  if (verdict.status !== 'live') throw new TypeError(`expected to be refreshed: ${JSON.stringify(verdict)}`)
  return verdict
}

async function refused({ engine }: Refreshing, token: string) {
  const verdict = await engine.refresh(token, firefox)
  return verdict.status === 'dead' ? verdict.reason : verdict.status
}

describe('key rotation', () => {
  it('keeps the successor of a parent whose key is still listed', async () => {
    const store = memoryStore()
    const started = await granted({ store })
    const { refreshToken } = await next(started, started.first)
    const rotated = start({ store, clock: started.clock, secret: [newerSecret, secret] })
    expect((await next(rotated, started.first)).refreshToken).toBe(refreshToken)
    const second = await next(rotated, refreshToken)
    expect(second.refreshToken.slice(5, 9)).not.toBe(refreshToken.slice(5, 9))
    // Through both keys, from the first to the one that is current now.
    expect((await next(rotated, started.first)).refreshToken).toBe(second.refreshToken)
    expect((await next(start({ store, clock: started.clock, secret: newerSecret }), second.refreshToken)).session.id).toBe(
      started.id,
    )
  })

  it('refuses the tokens of a removed key, and does not take them for stolen', async () => {
    const store = memoryStore()
    const started = await granted({ store })
    const removed = start({ store, clock: started.clock, secret: newerSecret })
    expect(await refused(removed, started.first)).toBe('invalid')
    await next(started, started.first)
  })

  it('does not take a repetition for stolen where the key in between is not listed', async () => {
    const store = memoryStore()
    const started = await granted({ store })
    const ahead = start({ store, clock: started.clock, secret: [newerSecret, secret] })
    const { refreshToken } = await next(ahead, started.first)
    const current = await next(ahead, refreshToken)
    expect((await next(ahead, current.refreshToken)).session.id).toBe(started.id)
    expect(await refused(started, started.first)).toBe('superseded')
    await next(ahead, started.first)
  })
})
