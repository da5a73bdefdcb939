/** Tokens whose claims cannot be revoked by name, and those that can. */
import { describe, expect, it } from 'vitest'
import { createDenylist } from '../../../src/denylist.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { fakeClock } from '../../../src/testing/index.ts'

const seconds = 1_767_225_600

function open() {
  return createDenylist({ store: memoryStore(), tokenLifetime: '1h', clock: fakeClock(seconds * 1000) })
}

/** A token whose payload is this text, but for its times. */
function tokenOf(members: string): string {
  const payload = `{${members},"iat":${seconds},"exp":${seconds + 60}}`
  const [header, body] = ['{"alg":"HS256"}', payload].map((part) => Buffer.from(part).toString('base64url'))
  return `${header}.${body}.AAAA`
}

describe.each(['jti', 'sub'])('a token whose %s', (claim) => {
  // The first is 9007199254740992 to whoever reads numbers as most do, and so is its neighbour.
  it.each(['9007199254740993', '1e300', '1.5', 'true', '{}', '["a"]'])(
    'is %s is refused: nobody could revoke it by name',
    async (value) => {
      expect(await open().check(tokenOf(`"${claim}":${value}`))).toEqual({ status: 'dead', reason: 'malformed' })
    },
  )

  it.each(['null', '""', '"a"', '7', '9007199254740991'])('is %s is not', async (value) => {
    expect(await open().check(tokenOf(`"${claim}":${value}`))).toEqual({ status: 'clear' })
  })
})
