import { describe, expect, test } from 'vitest'
import { readJson } from '../../src/http/body.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import { fakeCarrier } from './fake-carrier.ts'

function sent(body: string | Uint8Array | null | undefined, type?: string): Carrier {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return { ...fakeCarrier({ headers: { 'content-type': type } }), readBody: () => Promise.resolve(bytes) }
}

describe('a JSON body', () => {
  test('is an object, or nothing at all', async () => {
    expect(await readJson(sent('{"a":1}', 'application/json'))).toEqual({ a: 1 })
    expect(await readJson(sent('{"a":1}', ' Application/JSON ; charset=utf-8'))).toEqual({ a: 1 })
    expect(await readJson(sent('{"a":"\\":","b":{"a":":"}}', 'application/json'))).toEqual({ a: '":', b: { a: ':' } })
    expect(await readJson(sent(undefined))).toEqual({})
    expect(await readJson(sent(''))).toEqual({})
  })

  test.each<[string, string | Uint8Array | null, string | undefined, string]>([
    ['too long', null, 'application/json', 'payload-too-large'],
    ['of no type', '{}', undefined, 'unsupported-media-type'],
    ['of a type that contains ours', '{}', 'text/plain; application/json', 'unsupported-media-type'],
    ['of a longer type', '{}', 'application/jsonp', 'unsupported-media-type'],
    ['of two types', '{}', 'application/json, text/plain', 'unsupported-media-type'],
    ['cut short', '{"a":', 'application/json', 'invalid-request'],
    ['null', 'null', 'application/json', 'invalid-request'],
    ['a list', '[]', 'application/json', 'invalid-request'],
    ['text', '"a"', 'application/json', 'invalid-request'],
    ['an object with a member twice', '{"a":1,"a":1}', 'application/json', 'invalid-request'],
    [
      'one with a member twice further in, once escaped',
      '{"a":[{"b":1,"\\u0062":"a:b"}]}',
      'application/json',
      'invalid-request',
    ],
    ['not UTF-8 inside a string', Buffer.from('7b2261223a22ff227d', 'hex'), 'application/json', 'invalid-request'],
  ])('is refused when it is %s', async (_what, body, type, code) => {
    await expect(readJson(sent(body, type))).rejects.toMatchObject({ code })
  })

  test('is looked at for such members without a call for each level: it may nest deeper than the stack', async () => {
    const deep = (inner: string) => `${'{"a":'.repeat(50_000)}${inner}${'}'.repeat(50_000)}`
    expect(Object.keys(await readJson(sent(deep('1'), 'application/json')))).toEqual(['a'])
    await expect(readJson(sent(deep('{"b":1,"b":2}'), 'application/json'))).rejects.toMatchObject({ code: 'invalid-request' })
  })

  test('gives no way to a prototype', async () => {
    const body = await readJson(sent('{"__proto__":{"admin":true}}', 'application/json'))
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype)
    expect((body as { admin?: boolean }).admin).toBeUndefined()
  })
})
