/**
 * Every header and cookie name on the wire, once.
 *
 * A cookie has two names. Over TLS it carries the `__Host-Http-` prefix, which a browser accepts only
 * with Secure, HttpOnly, Path=/ and no Domain, and which script cannot create. Over plain http on
 * loopback a Secure cookie would be refused by many clients, so the bare name is used there, and only there.
 * A cookie shared by the hosts of one domain (a named, weaker option) has a Domain, which `__Host-` forbids.
 */
export const sessionCookie = { secure: '__Host-Http-session', domainShared: '__Secure-session', loopback: 'session' } as const

/** The CSRF token's cookie: readable by our own pages, hence `__Host-` and not `__Host-Http-`. */
export const csrfCookie = { secure: '__Host-csrf_token', domainShared: '__Secure-csrf_token', loopback: 'csrf_token' } as const

/**
 * Tells a device that signed in before: it keeps a budget of failed sign-ins of its own, so that nobody else can lock
 * its owner out. It signs nobody in.
 */
export const deviceCookie = { secure: '__Host-Http-device', domainShared: '__Secure-device', loopback: 'device' } as const

/**
 * The refresh token's cookie, where a browser carries a session by tokens. Its path is that of the one route that
 * reads it, so that no other request carries it, and `__Host-` demands `Path=/`.
 */
export const refreshCookie = { secure: '__Secure-refresh_token', loopback: 'refresh_token' } as const

/** Request header that repeats the CSRF token on unsafe methods. Lower case, as Node spells it. */
export const csrfHeader = 'x-csrf-token'

/** Carries an anonymous visitor's proof token, on requests and in the response that starts the session. */
export const anonymousTokenHeader = 'x-anon-session-token'
