import { describe, expect, test } from 'vitest'
import { isUnsafeMethod, originOf, parseOrigin, sourceProblem, tokenProblem } from '../../src/defence/csrf.ts'

const allowed = { own: 'https://app.example', listed: new Set(['https://partner.example', 'https://sub.app.example:8443']) }

describe('where a request comes from', () => {
  const sites = [undefined, 'same-origin', 'same-site', 'cross-site', 'none', 'SAME-ORIGIN', 'garbage'] as const
  const origins = {
    absent: undefined,
    own: 'https://app.example',
    listed: 'https://partner.example',
    sibling: 'https://sub.app.example',
    foreign: 'https://evil.example',
    opaque: 'null',
  } as const

  /** Every combination, written out: y passes. Columns as in `origins`. */
  const table: Readonly<Record<string, string>> = {
    undefined: 'yyynnn',
    'same-origin': 'yyynnn',
    'same-site': 'nnynnn',
    'cross-site': 'nnynnn',
    none: 'yyynnn',
    'SAME-ORIGIN': 'yyynnn',
    garbage: 'yyynnn',
  }

  test.each(sites.flatMap((site) => Object.entries(origins).map(([kind, origin], at) => [site, kind, origin, at] as const)))(
    'Sec-Fetch-Site %s with an origin that is %s',
    (site, _kind, origin, at) => {
      const passes = table[String(site)]?.[at] === 'y'
      expect(sourceProblem({ site, origin }, allowed) === undefined).toBe(passes)
    },
  )

  test('the detail names the failing check and never repeats what was sent', () => {
    const detail = sourceProblem({ site: undefined, origin: 'https://evil.example' }, allowed)
    expect(detail).toContain('Origin')
    expect(detail).not.toContain('evil')
  })

  test.each([
    'https://app.example.evil.example',
    'https://app.example@evil.example',
    'https://evil.example/https://app.example',
    'https://app.example/',
    'https://app.example:443',
    'http://app.example',
    'https://app.example:8443',
    'https://APP.example',
    'https://app.example, https://app.example',
    ' https://app.example',
    'app.example',
    'https://',
    '',
  ])('the origin %j is not our own', (origin) => {
    expect(sourceProblem({ site: undefined, origin }, allowed)).toBeDefined()
  })

  test('a request whose host is unusable has no origin of its own', () => {
    expect(sourceProblem({ site: undefined, origin: 'https://app.example' }, { ...allowed, own: undefined })).toBeDefined()
    for (const host of [undefined, '', 'a b', 'a/b', 'a@b', 'a?b', 'a#b', 'a\\b', '[', 'a:99999']) {
      expect(originOf('https', host), String(host)).toBeUndefined()
    }
    expect(originOf('https', 'App.Example:443')).toBe('https://app.example')
    expect(originOf('http', '127.0.0.1:3000')).toBe('http://127.0.0.1:3000')
  })

  test('an app scheme can be an origin, a bare word cannot', () => {
    expect(parseOrigin('capacitor://localhost')).toBe('capacitor://localhost')
    expect(parseOrigin('chrome-extension://abcdef')).toBe('chrome-extension://abcdef')
    for (const text of ['null', 'data:text/html,x', 'javascript:alert(1)', 'capacitor://a/b', 'file:///etc']) {
      expect(parseOrigin(text), text).toBeUndefined()
    }
  })
})

describe('methods', () => {
  test('only GET, HEAD and OPTIONS are safe, spelled exactly so', () => {
    expect(['GET', 'HEAD', 'OPTIONS'].filter(isUnsafeMethod)).toEqual([])
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'get', 'QUERY', '']) {
      expect(isUnsafeMethod(method), method).toBe(true)
    }
  })
})

describe('the token', () => {
  const isOfSession = (token: string) => token === 'right'

  test('must be in the header and in the cookie, be the same, and be the session’s', () => {
    expect(tokenProblem({ cookie: 'right', header: 'right', isOfSession })).toBeUndefined()
    expect(tokenProblem({ cookie: 'right', header: undefined, isOfSession })).toContain('header is missing')
    expect(tokenProblem({ cookie: 'right', header: '', isOfSession })).toContain('header is missing')
    expect(tokenProblem({ cookie: undefined, header: 'right', isOfSession })).toContain('cookie is missing')
    expect(tokenProblem({ cookie: null, header: 'right', isOfSession })).toContain('more than once')
    expect(tokenProblem({ cookie: 'other', header: 'right', isOfSession })).toContain('cookie is not')
    expect(tokenProblem({ cookie: 'other', header: 'other', isOfSession })).toContain('not the token of this session')
  })
})
