import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { describe, expect, it } from 'vitest'
import { createDenylist, type DenylistOptions, type DenylistVerdict } from '../../../src/denylist.ts'
import type { Denylist } from '../../../src/store/denylist.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { fakeClock } from '../../../src/testing/index.ts'

const key = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'
const start = 1_767_225_600_000
const seconds = start / 1000
const second = 1000
const hour = 3600 * second

function sign(claims: object): string {
  return jsonwebtoken.sign({ iat: seconds, exp: seconds + 3600, ...claims }, key)
}

interface Node {
  readonly store: { readonly denylist: Denylist }
  readonly clock: ReturnType<typeof fakeClock>
}

function world(): Node {
  const clock = fakeClock(start)
  return { store: memoryStore(), clock }
}

function open({ store, clock }: Node, options: Partial<DenylistOptions> = {}) {
  return createDenylist({ store, clock, tokenLifetime: '1h', ...options })
}

const said = (verdict: DenylistVerdict) => (verdict.status === 'dead' ? verdict.reason : verdict.status)

describe('a denylist', () => {
  it('revokes one token by its text, whatever its signature is spelled like, and no other', async () => {
    const denylist = open(world())
    const [token, other] = [sign({ sub: 'alice' }), sign({ sub: 'alice', n: 1 })]
    expect(said(await denylist.check(token))).toBe('clear')
    expect(await denylist.revoke({ token })).toEqual({ durable: expect.any(Boolean), validFrom: null })
    expect(said(await denylist.check(token))).toBe('revoked')
    expect(said(await denylist.check(other))).toBe('clear')
    // The last of 43 characters has two bits that no byte uses: four spellings, which jose all accepts.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const respelled = token.slice(0, -1) + alphabet[alphabet.indexOf(token.slice(-1)) + 1]
    const { payload } = await jwtVerify(respelled, Buffer.from(key), { currentDate: new Date(start) })
    expect(payload.sub).toBe('alice')
    expect(said(await denylist.check(respelled))).toBe('revoked')
  })

  it('revokes by id, by subject and everything, on every node that shares the store, and after a restart', async () => {
    const shared = world()
    const [here, there] = [open(shared), open(shared)]
    const [byId, bySubject, byAll] = [
      sign({ jti: 'a', sub: 1 }),
      sign({ jti: 'b', sub: 'alice' }),
      sign({ jti: 'c', sub: 'bob' }),
    ]
    const answers = async (node = there) =>
      Promise.all([byId, bySubject, byAll].map(async (token) => said(await node.check(token))))
    await here.revoke({ id: 'a' })
    expect(await answers()).toEqual(['revoked', 'clear', 'clear'])
    await here.revoke({ subject: 'alice' })
    expect(await answers()).toEqual(['revoked', 'revoked', 'clear'])
    await here.revoke({ everything: true })
    expect(await answers()).toEqual(['revoked', 'revoked', 'revoked'])
    expect(await answers(open(shared))).toEqual(['revoked', 'revoked', 'revoked'])
  })

  it('keeps apps that share a store apart, and reads the claim that it is told to', async () => {
    const shared = world()
    const [first, second] = [open(shared, { subjectClaim: 'userId' }), open(shared, { name: 'other' })]
    await first.revoke({ subject: 7 })
    await first.revoke({ id: 'x' })
    expect(said(await first.check(sign({ userId: 7 })))).toBe('revoked')
    expect(said(await first.check(sign({ sub: '7' })))).toBe('clear')
    expect(said(await second.check(sign({ sub: '7', userId: 7, jti: 'x' })))).toBe('clear')
  })

  it('lets entries end with their tokens, and sweeps them', async () => {
    const shared = world()
    const denylist = open(shared)
    const [alices, single] = [sign({ sub: 'alice' }), sign({})]
    await denylist.revoke({ subject: 'alice' })
    await denylist.revoke({ token: single })
    // For as long as they are good, on a node that starts then, too.
    shared.clock.advance(hour - 1)
    expect(await denylist.sweep()).toBe(0)
    for (const token of [alices, single]) expect(said(await open(shared).check(token))).toBe('revoked')
    shared.clock.advance(15 * 60 * second)
    expect(await denylist.sweep()).toBe(2)
  })
})

describe('the second in which a subject is revoked', () => {
  it.each([0, 1, 500, 999])(
    'at %i ms of it, no token of it slips through, and the answer says from when one is good',
    async (ms) => {
      for (const clockSkew of [0, second]) {
        const shared = world()
        shared.clock.advance(ms)
        const denylist = open(shared, { clockSkew })
        const { validFrom } = await denylist.revoke({ subject: 'alice' })
        const at = async (iat: number) => said(await denylist.check(sign({ sub: 'alice', iat })))
        expect(await at(seconds)).toBe('revoked')
        expect(validFrom).toBe(seconds + 1 + clockSkew / second)
        expect(await at(validFrom ?? 0)).toBe('clear')
        expect(await at((validFrom ?? 0) - 1)).toBe('revoked')
      }
    },
  )

  it('tells tokens apart that give their issue in fractions', async () => {
    const shared = world()
    shared.clock.advance(500)
    const denylist = open(shared, { clockSkew: 0 })
    await denylist.revoke({ subject: 'alice' })
    const token = (iat: number) => {
      const input = [{ alg: 'HS256' }, { sub: 'alice', iat, exp: seconds + 60 }]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
    }
    expect(said(await denylist.check(token(seconds + 0.5)))).toBe('revoked')
    expect(said(await denylist.check(token(seconds + 0.502)))).toBe('clear')
  })

  it('takes a token that does not say when it was issued for one from before', async () => {
    const denylist = open(world())
    const token = jsonwebtoken.sign({ sub: 'alice', exp: seconds + 60 }, key, { noTimestamp: true })
    expect(said(await denylist.check(token))).toBe('clear')
    await denylist.revoke({ subject: 'alice' })
    expect(said(await denylist.check(token))).toBe('revoked')
  })
})

describe('a token that cannot be judged', () => {
  it.each([
    ['has no expiry', { exp: undefined }, 'outlives'],
    ['lives longer than its denial is kept', { exp: seconds + 3600 + 2 }, 'outlives'],
    ['expires at no time', { exp: 1e300 }, 'outlives'],
  ])('because it %s is refused', async (_, claims, reason) => {
    const input = [{ alg: 'HS256' }, { sub: 'alice', iat: seconds, ...claims }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    expect(said(await open(world()).check(`${input}.AAAA`))).toBe(reason)
    expect(said(await open(world(), { tokenLifetime: 'unlimited' }).check(`${input}.AAAA`))).toBe('clear')
  })

  it('because two parsers could read it differently is refused', async () => {
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url')
    const twice = Buffer.from(`{"sub":"alice","sub":"bob","exp":${seconds + 60}}`).toString('base64url')
    const good = sign({})
    const spelled = [` ${good}`, `${good}.x`, `${good}=`, sign({ long: 'x'.repeat(8192) })]
    for (const token of [`${header}.${twice}.AA`, `${header}.${twice}`, 'a.b.c', '', ...spelled]) {
      expect(said(await open(world()).check(token))).toBe('malformed')
    }
  })

  it('never makes a check throw, and no chance text is clear', async () => {
    const denylist = open(world())
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        expect(said(await denylist.check(text))).toBe('malformed')
      }),
    )
  })
})

describe('a store that fails', () => {
  /** The n-th call from now on fails, before or after it takes effect. */
  function failing(shared: Node, timing: 'at once' | 'later') {
    const plan = { n: 0, after: false, calls: 0 }
    const wrap =
      <A extends unknown[], R>(run: (...args: A) => R) =>
      (...args: A): R => {
        const step = () => {
          plan.calls += 1
          const hit = plan.calls === plan.n
          if (hit && !plan.after) throw new Error('no answer')
          const answer = run(...args)
          if (hit) throw new Error('lost the answer')
          return answer
        }
        return (timing === 'at once' ? step() : Promise.resolve().then(step)) as R
      }
    const { denylist: inner } = shared.store
    const denylist: Denylist = {
      put: wrap((denial) => inner.put(denial)),
      find: wrap((keys, now) => inner.find(keys, now)),
      sweep: wrap((now, limit) => inner.sweep(now, limit)),
    }
    const failAt = (n: number, after: boolean) => Object.assign(plan, { n, after, calls: 0 })
    return { node: { store: { denylist }, clock: shared.clock }, failAt }
  }

  it.each(['at once', 'later'] as const)('%s makes a check "cannot tell", never clear', async (timing) => {
    const { node, failAt } = failing(world(), timing)
    const denylist = open(node)
    for (const after of [false, true]) {
      failAt(1, after)
      expect(await denylist.check(sign({}))).toEqual({ status: 'unknown', code: 'store-unavailable', retryAfter: 1 })
      expect(said(await denylist.check(sign({})))).toBe('clear')
    }
  })

  it.each(['at once', 'later'] as const)(
    '%s makes a revocation throw; it holds here, and everywhere when repeated',
    async (timing) => {
      for (const after of [false, true]) {
        const shared = world()
        const { node, failAt } = failing(shared, timing)
        const [denylist, elsewhere] = [open(node), open(shared)]
        failAt(1, after)
        await expect(denylist.revoke({ subject: 'alice' })).rejects.toMatchObject({ code: 'store-unavailable', retryAfter: 1 })
        expect(said(await denylist.check(sign({ sub: 'alice' })))).toBe('revoked')
        expect(said(await denylist.check(sign({ sub: 'bob' })))).toBe('clear')
        expect(said(await elsewhere.check(sign({ sub: 'alice' })))).toBe(after ? 'revoked' : 'clear')
        await denylist.revoke({ subject: 'alice' })
        expect(said(await elsewhere.check(sign({ sub: 'alice' })))).toBe('revoked')
      }
    },
  )

  it('hanging, is "cannot tell" at the deadline', async () => {
    const shared = world()
    const { denylist: inner } = shared.store
    const hanging: Denylist = {
      put: (denial) => inner.put(denial),
      find: () => new Promise(() => undefined),
      sweep: (now, limit) => inner.sweep(now, limit),
    }
    const checking = open({ ...shared, store: { denylist: hanging } }).check(sign({}))
    shared.clock.advance(500)
    expect(said(await checking)).toBe('unknown')
  })

  it('is not asked about what this node knows to be revoked', async () => {
    const { node, failAt } = failing(world(), 'at once')
    const denylist = open(node)
    await denylist.revoke({ id: 'a' })
    failAt(1, false)
    expect(said(await denylist.check(sign({ jti: 'a' })))).toBe('revoked')
  })
})

describe('what a node remembers', () => {
  it('is no clear answer, unless it is told to, and then for no longer', async () => {
    const shared = world()
    const [strict, trusting, elsewhere] = [open(shared), open(shared, { trustClear: '1s' }), open(shared)]
    const token = sign({ sub: 'alice', jti: 'a' })
    for (const node of [strict, trusting]) expect(said(await node.check(token))).toBe('clear')
    await elsewhere.revoke({ id: 'a' })
    expect(said(await strict.check(token))).toBe('revoked')
    expect(said(await trusting.check(token))).toBe('clear')
    shared.clock.advance(second)
    expect(said(await trusting.check(token))).toBe('revoked')
  })

  it('is dropped by a revocation of its own', async () => {
    const denylist = open(world(), { trustClear: '1s' })
    expect(said(await denylist.check(sign({ sub: 'alice' })))).toBe('clear')
    await denylist.revoke({ subject: 'alice' })
    expect(said(await denylist.check(sign({ sub: 'alice' })))).toBe('revoked')
  })
})

describe('bad input', () => {
  it.each([
    [{ token: 'x' }, 'token'],
    [{ id: '' }, 'id'],
    [{ id: 'x'.repeat(1025) }, 'id'],
    [{ subject: Number.NaN }, 'subject'],
    [{ subject: 'a', before: start + second }, 'before'],
    [{ subject: 'a', before: Number.NaN }, 'before'],
    [{ everything: false }, 'everything'],
    [{}, 'target'],
    [null, 'target'],
    [{ id: 'b', subject: 'a' }, 'target'],
    [{ subject: 'a', since: 5 }, 'since'],
    [{ id: 'a', expiresAt: Number.NaN }, 'expiresAt'],
  ])('%j is refused by name, and nothing changes', async (target, field) => {
    const shared = world()
    const denylist = open(shared)
    await expect(denylist.revoke(target as never)).rejects.toMatchObject({ code: 'invalid-request', fields: [{ field }] })
    expect(said(await denylist.check(sign({ sub: 'a', jti: 'a' })))).toBe('clear')
  })

  it('options: every problem at once', () => {
    const wrong = { store: {}, tokenLifetime: '0s', name: '', trustClear: '2s', remembered: -1, lifetime: 1 }
    expect(() => createDenylist(wrong as never)).toThrow(
      /lifetime: is not an option[\s\S]*store: [\s\S]*remembered: [\s\S]*tokenLifetime: [\s\S]*name: [\s\S]*trustClear: /,
    )
  })
})
