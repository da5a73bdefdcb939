import { describe, expect, it } from 'vitest'
import { secretProblem } from '../../src/engine/secret.ts'
import { secret } from './support/start.ts'

describe('a signing secret', () => {
  it('is taken when it is long and random', () => {
    expect(secretProblem(secret)).toBeUndefined()
    expect(secretProblem('Gm0lYv6k0v0p3l1oQGm+4Zr/9n2bXb0cYt3JwW1c8Hs=')).toBeUndefined()
  })

  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 12_345],
    ['an object', { secret }],
    ['a list', [secret]],
    ['31 characters', secret.slice(0, 31)],
    ['one repeated letter', 'x'.repeat(64)],
    ['nine different letters', 'abcdefjkl'.repeat(5)],
    ['change-me', `change-me-${secret}`],
    ['CHANGEME', `${secret}CHANGEME`],
    ['a keyboard row', `qwertyuiop-${secret}`],
    ['your-secret', `your-secret-${secret}`],
    ['password', `my-Password-${secret}`],
    ['digits in order', `${secret}1234567890`],
  ])('is refused when it is %s', (_, given) => {
    expect(secretProblem(given)).toBeTypeOf('string')
  })

  it('is never repeated in the message', () => {
    for (const bad of ['short-Kz81', `change-me-${secret}`, 'abababababababababababababababababab']) {
      expect(secretProblem(bad)).not.toContain(bad.slice(0, 8))
    }
  })
})
