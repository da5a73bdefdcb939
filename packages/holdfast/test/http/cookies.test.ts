import fc, { array, constantFrom, oneof, property, string, stringMatching, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CookieAttributes, cookieLine, readCookie, withCookieLine } from '../../src/http/cookies.ts'
import { cookieAttributes } from './harness.ts'

/** RFC 6265bis as text: split on `;`, trim SP and HTAB, the first `=`, nothing else. */
function model(header: string, name: string): string | null | undefined {
  const trim = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '')
  const pairs = header.split(';').filter((pair) => pair !== '')
  const values = pairs.flatMap((pair) => {
    const at = pair.indexOf('=')
    return at !== -1 && trim(pair.slice(0, at)) === name ? [trim(pair.slice(at + 1))] : []
  })
  if (values.length === 0) return undefined
  return values.length > 1 || pairs.length > 150 || header.length > 8192 ? null : values[0]
}

describe('reading a cookie', () => {
  const names = constantFrom('session', 'csrf_token', '__Host-Http-session', 'aa')
  const piece = (name: string) =>
    oneof(
      constantFrom(
        name,
        `${name}=`,
        `${name}=x`,
        ` ${name}=y`,
        `\t${name}\t=\tz `,
        `x${name}=1`,
        `${name}x=1`,
        `a=${name}=b`,
        `"${name}"=q`,
      ),
      constantFrom(
        '',
        ' ',
        '=',
        ' = ',
        '=x',
        'a=b',
        ' a = b ',
        `\u00a0${name}=n`,
        `${name}\u00a0=n`,
        `%73=1`,
        name.toUpperCase(),
        `${name}= "v" `,
      ),
      stringMatching(/^[ -~\t\xa0]{0,12}$/),
    )

  test('agrees with the specification on any header', () => {
    const headers = names.chain((name) =>
      tuple(
        constantFrom(name),
        array(piece(name), { maxLength: 8 }).map((all) => all.join(';')),
      ),
    )
    fc.assert(
      property(headers, ([name, header]) => {
        expect(readCookie(header, name)).toBe(model(header, name))
      }),
      { numRuns: 5000 },
    )
  })

  test('agrees with the specification around the caps', () => {
    for (const filler of [';', 'a=b;', 'a;', '=;', ' ;']) {
      for (const count of [74, 75, 148, 149, 150, 151, 299, 300, 301, 2000]) {
        const header = `${filler.repeat(count)}session=x`
        expect(readCookie(header, 'session'), `${count} of ${filler}`).toBe(model(header, 'session'))
        expect(readCookie(`session=x;${filler.repeat(count)}`, 'session')).toBe(
          model(`session=x;${filler.repeat(count)}`, 'session'),
        )
      }
    }
    const fitting = `session=${'x'.repeat(8192 - 8)}`
    expect(readCookie(fitting, 'session')).toHaveLength(8184)
    expect(readCookie(`${fitting}x`, 'session')).toBeNull()
  })

  test('finds nothing in no header, and never throws', () => {
    expect(readCookie(undefined, 'session')).toBeUndefined()
    fc.assert(property(string({ unit: 'binary' }), (header) => void readCookie(header, 'session')))
  })
})

describe('writing a cookie', () => {
  const plain: CookieAttributes = { secure: true, httpOnly: true, sameSite: 'lax' }

  test('writes every attribute it was given, and a path and SameSite always', () => {
    expect(cookieLine('a', 'b', { secure: false, httpOnly: false, sameSite: 'strict' })).toBe('a=b; Path=/; SameSite=Strict')
    const line = cookieLine('a', 'b', { ...plain, sameSite: 'none', domain: 'example.com', partitioned: true, maxAge: 60.9 })
    expect(line).toBe('a=b; Path=/; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned')
  })

  test('asks for at most 400 days, and for the past when it is over', () => {
    expect(cookieAttributes(cookieLine('a', 'b', { ...plain, maxAge: 1e12 }))['max-age']).toBe(String(400 * 86_400))
    const gone = cookieAttributes(cookieLine('a', '', { ...plain, maxAge: -5 }))
    expect(gone).toMatchObject({ 'max-age': '0', expires: 'Thu, 01 Jan 1970 00:00:00 GMT' })
  })

  test('lets no name, value or domain add an attribute', () => {
    const hostile = oneof(
      string({ unit: 'binary' }),
      constantFrom('a;b', 'a,b', 'a b', 'a"b', 'a\\b', 'a\r\nX: y', 'a\0', 'é', '', '\x7f', 'x; Domain=evil.example'),
    )
    fc.assert(
      property(hostile, hostile, hostile, (name, value, domain) => {
        let line: string
        try {
          line = cookieLine(name, value, { ...plain, domain })
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(line).toBe(`${name}=${value}; Path=/; Domain=${domain}; HttpOnly; Secure; SameSite=Lax`)
        expect(line.split(';')).toHaveLength(6)
        expect(line).toMatch(/^[\x20-\x7e]+$/)
      }),
      { numRuns: 2000 },
    )
    for (const name of ['', 'a=b', 'a b', 'a;b']) expect(() => cookieLine(name, 'x', plain)).toThrow(TypeError)
    for (const domain of ['.example.com', 'com', 'a..b', 'a.b; Path=/x']) {
      expect(() => cookieLine('a', 'b', { ...plain, domain })).toThrow(TypeError)
    }
  })

  test('refuses what browsers would cut', () => {
    expect(() => cookieLine('a', 'x'.repeat(4096), plain)).toThrow(TypeError)
    expect(cookieLine('a', 'x'.repeat(4095), plain)).toContain('x; Path=/')
  })

  test('takes the place of an earlier line of the same cookie and of no other', () => {
    expect(withCookieLine(['a=1', 'ab=2', 'a=3; Path=/'], 'a', 'a=4')).toEqual(['ab=2', 'a=4'])
  })
})
