/** A client over real sockets that behaves like a browser, or like an attacker who writes every byte. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly setCookies: readonly string[]
  readonly text: string
  /** The body as JSON; throws when it is not. */
  json(): Record<string, unknown>
}

export interface Asked {
  readonly method?: string
  readonly path: string
  /** A value given as a list is sent as so many lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly json?: unknown
  readonly body?: string | Uint8Array
}

export function send(base: string, asked: Asked): Promise<Answered> {
  const { hostname, port } = new URL(base)
  const body = asked.json === undefined ? asked.body : JSON.stringify(asked.json)
  const headers: Record<string, string | string[]> = asked.json === undefined ? {} : { 'content-type': 'application/json' }
  for (const [name, value] of Object.entries(asked.headers ?? {})) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : [...value]
  }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path: asked.path, method: asked.method ?? 'GET', headers, agent: false },
      (response) => {
        const chunks: Uint8Array[] = []
        response.on('error', reject)
        response.on('data', (chunk: Uint8Array) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            setCookies: response.headers['set-cookie'] ?? [],
            text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** The attributes of a `Set-Cookie` line after name and value, in lower case, as a browser reads them. */
export function cookieAttributes(line: string): Record<string, string> {
  const [, ...rest] = line.split(';').map((part) => part.trim())
  return Object.fromEntries(rest.map((part) => part.split('=', 2)).map(([name = '', value = '']) => [name.toLowerCase(), value]))
}

const unsafe = (method: string) => !['GET', 'HEAD', 'OPTIONS'].includes(method)

/** Keeps cookies, and adds what a page of our own origin would: Origin, Fetch Metadata and the CSRF token. */
export class Browser {
  readonly base: string
  readonly cookies: Map<string, string> = new Map()
  /** Every `Set-Cookie` line ever received. */
  readonly received: string[] = []
  /** Sent with every request, under what the request itself says. */
  headers: Record<string, string | undefined> = {}

  constructor(base: string, headers: Record<string, string | undefined> = {}) {
    this.base = base
    this.headers = headers
  }

  get sessionCookie(): [string, string] | undefined {
    return [...this.cookies].find(([name]) => name === 'session' || name.endsWith('-session'))
  }

  get csrfCookie(): [string, string] | undefined {
    return [...this.cookies].find(([name]) => name.endsWith('csrf_token'))
  }

  get cookieHeader(): string | undefined {
    return this.cookies.size === 0 ? undefined : [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** What the browser would send of its own. */
  ownHeaders(method: string): Record<string, string | undefined> {
    const cookie = this.cookieHeader
    if (!unsafe(method)) return { cookie, 'sec-fetch-site': 'same-origin' }
    const origin = this.headers['x-forwarded-proto'] === 'https' ? this.base.replace('http:', 'https:') : this.base
    return { cookie, origin, 'sec-fetch-site': 'same-origin', 'x-csrf-token': this.csrfCookie?.[1] }
  }

  async send(asked: Asked): Promise<Answered> {
    const own = this.ownHeaders(asked.method ?? 'GET')
    const answered = await send(this.base, { ...asked, headers: { ...own, ...this.headers, ...asked.headers } })
    this.take(answered)
    return answered
  }

  get(path: string, headers: Asked['headers'] = {}): Promise<Answered> {
    return this.send({ path, headers })
  }

  post(path: string, json: unknown = {}, headers: Asked['headers'] = {}): Promise<Answered> {
    return this.send({ method: 'POST', path, json, headers })
  }

  /** A second holder of the same cookies: what a thief has. */
  copy(): Browser {
    const twin = new Browser(this.base, { ...this.headers })
    for (const [name, value] of this.cookies) twin.cookies.set(name, value)
    return twin
  }

  take(answered: Answered): void {
    for (const line of answered.setCookies) {
      this.received.push(line)
      const pair = line.split(';', 1)[0] ?? ''
      const name = pair.slice(0, pair.indexOf('='))
      const value = pair.slice(pair.indexOf('=') + 1)
      if (cookieAttributes(line)['max-age'] === '0') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
  }
}
