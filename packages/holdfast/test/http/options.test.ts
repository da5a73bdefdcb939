import { describe, expect, test } from 'vitest'
import { ConfigurationError, createHoldfast, type HoldfastOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { testSecret } from './app.ts'

const base = { secret: testSecret, store: memoryStore() }

function problemsOf(options: object): Record<string, string> {
  try {
    void createHoldfast({ ...base, ...options } as HoldfastOptions).close()
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return Object.fromEntries(error.problems.map(({ field, message }) => [field, message]))
  }
  return {}
}

describe('options', () => {
  test('the least that is needed is a secret and a store', () => {
    expect(problemsOf({})).toEqual({})
  })

  test('everything wrong is told at once, of the engine and of this layer', () => {
    const found = problemsOf({
      secret: 'short',
      store: {},
      limits: { signedIn: { idle: '2d', absolute: '1d' } },
      url: 'https://app.example/path',
      basePath: 'auth',
      origins: ['https://ok.example', 'nope', 7],
      trustProxy: ['0.0.0.0/0', 'x'],
      cookies: { sameSite: 'sometimes', domainShared: '.example.com', samesite: 'lax' },
      csrf: { originOnlyPaths: ['login'], off: true },
      connections: { maxPerSubjects: 1 },
      lockout: { failure: 1 },
      allowInsecureTransport: 'yes',
      clearSiteData: ['everything'],
      anonymousPerMinute: 0,
      allAnonymousPerMinute: 0,
      signInsPerMinute: 1.5,
      refreshesPerMinute: 100_001,
      failedTokensPerMinute: '9' as never,
      trustproxy: [],
    })
    expect(Object.keys(found).sort()).toEqual(
      [
        'secret',
        'store',
        'store.counters',
        'limits.signedIn',
        'url',
        'basePath',
        'origins[1]',
        'origins[2]',
        'trustProxy[0]',
        'trustProxy[1]',
        'cookies.sameSite',
        'cookies.domainShared',
        'cookies.samesite',
        'csrf.originOnlyPaths[0]',
        'csrf.off',
        'connections.maxPerSubjects',
        'lockout.failure',
        'allowInsecureTransport',
        'clearSiteData[0]',
        'anonymousPerMinute',
        'allAnonymousPerMinute',
        'signInsPerMinute',
        'refreshesPerMinute',
        'failedTokensPerMinute',
        'trustproxy',
      ].sort(),
    )
    expect(found.trustproxy).toBe('is not an option')
    expect(() => createHoldfast(undefined as unknown as HoldfastOptions)).toThrow(/options: must be an object/)
  })

  test.each<[string, object, string | undefined]>([
    ['a public http url', { url: 'http://app.example' }, 'url'],
    ['a public http url with the option for it', { url: 'http://app.example', allowInsecureTransport: true }, undefined],
    ['a loopback http url', { url: 'http://127.0.0.1:8787' }, undefined],
    ['a localhost url', { url: 'http://localhost:8787' }, undefined],
    ['a url of another scheme', { url: 'ftp://app.example' }, 'url'],
    ['a url with a slash', { url: 'https://app.example/' }, 'url'],
    ['SameSite=None alone', { cookies: { sameSite: 'none' } }, undefined],
    [
      'SameSite=None with insecure transport',
      { cookies: { sameSite: 'none' }, allowInsecureTransport: true },
      'cookies.sameSite',
    ],
    ['SameSite=None on an http url', { cookies: { sameSite: 'none' }, url: 'http://localhost' }, 'cookies.sameSite'],
    ['a shared domain above url', { cookies: { domainShared: 'example.com' }, url: 'https://app.example.com' }, undefined],
    [
      'a shared domain that is not ours',
      { cookies: { domainShared: 'example.com' }, url: 'https://badexample.com' },
      'cookies.domainShared',
    ],
    ['every proxy', { trustProxy: ['::/0'] }, 'trustProxy[0]'],
    ['a proxy list that is no list', { trustProxy: '10.0.0.0/8' }, 'trustProxy'],
    ['a base path with a slash at its end', { basePath: '/auth/' }, 'basePath'],
    ['a base path with a dot segment', { basePath: '/a/../b' }, 'basePath'],
    ['a deep base path', { basePath: '/api/v1/auth' }, undefined],
    ['cookies that are no object', { cookies: 'lax' }, 'cookies'],
    ['cookies that are null', { cookies: null }, 'cookies'],
    ['more failures than the ceiling', { lockout: { failures: 10, ceiling: 5 } }, 'lockout'],
  ])('%s', (_what, options, field) => {
    expect(Object.keys(problemsOf(options))).toEqual(field === undefined ? [] : [field])
  })
})
