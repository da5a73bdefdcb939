import { describe, expect, test } from 'vitest'
import type { RequestHeaders } from '../../src/http/carrier.ts'
import { carriesCredential, readCredential } from '../../src/http/credentials.ts'
import { fakeCarrier } from './fake-carrier.ts'

const read = (headers: RequestHeaders, jwt = false) => readCredential(fakeCarrier({ headers }), headers, 'session', jwt)

describe('the credential of a request', () => {
  test.each<[string, RequestHeaders, string, string | null]>([
    ['nothing', {}, 'none', null],
    ['a cookie', { cookie: 'session=hf1_a' }, 'cookie', 'hf1_a'],
    ['an empty cookie', { cookie: 'session=' }, 'none', null],
    ['a cookie twice', { cookie: 'session=hf1_a; session=hf1_a' }, 'cookie', 'unreadable'],
    ['a bearer token and a cookie', { authorization: 'Bearer hf1_b', cookie: 'session=hf1_a' }, 'bearer', 'hf1_b'],
    ['a bearer token in another case', { authorization: 'bearer  hf1_b' }, 'bearer', 'hf1_b'],
    ['a foreign bearer token and a cookie', { authorization: 'Bearer eyJ', cookie: 'session=hf1_a' }, 'none', null],
    ['an anonymous token as bearer', { authorization: 'Bearer hfa1_b' }, 'none', null],
    ['another scheme and a cookie', { authorization: 'Basic hf1_b', cookie: 'session=hf1_a' }, 'cookie', 'hf1_a'],
    ['two bearer tokens', { authorization: 'Bearer hf1_a, Bearer hf1_b' }, 'bearer', 'unreadable'],
    ['a foreign bearer token and ours', { authorization: 'Bearer eyJ, bearer hf1_b' }, 'bearer', 'unreadable'],
    ['our bearer token and another scheme', { authorization: 'Bearer hf1_a, Basic YTpi' }, 'bearer', 'unreadable'],
    [
      'another scheme and a bearer token',
      { authorization: 'Basic YTpi, Bearer hf1_b', cookie: 'session=hf1_a' },
      'bearer',
      'unreadable',
    ],
    ['nothing and a bearer token', { authorization: ', Bearer hf1_b' }, 'bearer', 'unreadable'],
    [
      'a scheme of several parameters and a cookie',
      { authorization: 'Digest a="b", nc=1', cookie: 'session=hf1_a' },
      'cookie',
      'hf1_a',
    ],
    ['an anonymous token', { 'x-anon-session-token': 'hfa1_c' }, 'anonymous-header', 'hfa1_c'],
    ['an anonymous token and a cookie', { 'x-anon-session-token': 'hfa1_c', cookie: 'session=hf1_a' }, 'cookie', 'hf1_a'],
    ['a session token in the anonymous header', { 'x-anon-session-token': 'hf1_a' }, 'anonymous-header', 'unreadable'],
  ])('%s', (_what, headers, source, token) => {
    expect(read(headers)).toEqual({ source, token })
  })

  test('a JWT is looked at where access tokens may be JWTs, as a bearer token and nowhere else', () => {
    const authorization = 'Bearer eyJhbGciOiJub25lIn0.e30.'
    expect(read({ authorization })).toEqual({ source: 'none', token: null })
    expect(read({ authorization, cookie: 'session=hf1_a' }, true)).toEqual({ source: 'bearer', token: authorization.slice(7) })
    expect(read({ cookie: `session=${authorization.slice(7)}` }, true)).toEqual({ source: 'cookie', token: 'unreadable' })
    expect(read({ 'x-anon-session-token': authorization.slice(7) }, true)).toEqual({
      source: 'anonymous-header',
      token: 'unreadable',
    })
  })

  test('over a refused transport our own credentials are told from those of others', () => {
    const carries = (headers: RequestHeaders, jwt = false) =>
      carriesCredential(fakeCarrier({ headers }), ['__Host-Http-session', 'session'], jwt)
    for (const headers of [
      { cookie: 'session=hf1_a' },
      { cookie: '__Host-Http-session=hfa1_a' },
      { cookie: 'session=a; session=b' },
      { authorization: 'Bearer hf1_a' },
      { authorization: 'Basic YTpi, Bearer hf1_a' },
      { 'x-anon-session-token': 'x' },
    ]) {
      expect(carries(headers), JSON.stringify(headers)).toBe(true)
    }
    for (const headers of [{}, { cookie: 'session=s%3Aother' }, { authorization: 'Bearer eyJ' }, { cookie: 'other=hf1_a' }]) {
      expect(carries(headers), JSON.stringify(headers)).toBe(false)
    }
    expect(carries({ authorization: 'Bearer eyJ' }, true)).toBe(true)
  })
})
