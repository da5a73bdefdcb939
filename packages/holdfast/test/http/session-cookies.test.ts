import { describe, expect, test } from 'vitest'
import { createSessionCookies } from '../../src/http/session-cookies.ts'
import { cookieAttributes } from './harness.ts'

const lifetime = { persistent: false, absoluteExpiresAt: 5_000_000, now: 1_000_000 }

describe('the cookies of a session', () => {
  const cookies = createSessionCookies({ sameSite: 'lax', domainShared: null, partitioned: false })

  test('carry the strictest prefixes over TLS and bare names on loopback', () => {
    expect(cookies.names('secure')).toEqual({ session: '__Host-Http-session', csrf: '__Host-csrf_token' })
    expect(cookies.names('bare')).toEqual({ session: 'session', csrf: 'csrf_token' })
    expect(cookies.session('secure', 'tok', lifetime)).toEqual({
      name: '__Host-Http-session',
      line: '__Host-Http-session=tok; Path=/; HttpOnly; Secure; SameSite=Lax',
    })
    expect(cookies.csrf('secure', 'tok', lifetime).line).toBe('__Host-csrf_token=tok; Path=/; Secure; SameSite=Lax')
  })

  test('go with the browser, or at the absolute limit when they outlive it', () => {
    expect(cookieAttributes(cookies.session('secure', 't', lifetime).line)['max-age']).toBeUndefined()
    expect(cookieAttributes(cookies.session('secure', 't', { ...lifetime, persistent: true }).line)['max-age']).toBe('4000')
  })

  test.each(['secure', 'bare'] as const)('are taken away with the attributes they were given with: %s', (transport) => {
    const without = (line: string) => line.replace(/=[^;]*/, '').replace(/; Max-Age=0; Expires=[^;]*/, '')
    const given = [cookies.session(transport, 't', lifetime), cookies.csrf(transport, 't', lifetime)]
    const gone = cookies.expired(transport)
    expect(gone.map(({ line }) => without(line))).toEqual(given.map(({ line }) => without(line)))
    for (const { line } of gone) expect(cookieAttributes(line)['max-age']).toBe('0')
  })

  test('shared with a domain lose the host prefix and gain the domain, over TLS only', () => {
    const shared = createSessionCookies({ sameSite: 'strict', domainShared: 'example.com', partitioned: false })
    expect(shared.session('secure', 't', lifetime).line).toBe(
      '__Secure-session=t; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Strict',
    )
    expect(shared.session('bare', 't', lifetime).line).toBe('session=t; Path=/; HttpOnly; SameSite=Strict')
  })

  test('fall back to Lax where browsers would refuse None', () => {
    const embedded = createSessionCookies({ sameSite: 'none', domainShared: null, partitioned: true })
    expect(embedded.session('secure', 't', lifetime).line).toMatch(/; Secure; SameSite=None; Partitioned$/)
    expect(embedded.session('bare', 't', lifetime).line).toBe('session=t; Path=/; HttpOnly; SameSite=Lax')
  })
})
