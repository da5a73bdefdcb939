/** A small HTTP client with a cookie jar, behaving as a browser page of the server's own origin. */
import assert from 'node:assert/strict'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly setCookies: readonly string[]
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is checked by the tests' assertions.
  readonly json: any
}

export interface CallOptions {
  /** Sent as JSON; text and bytes as they are. */
  readonly body?: unknown
  /** Null leaves out a header that would be sent. */
  readonly headers?: Readonly<Record<string, string | null>>
}

const unsafe = /^(POST|PUT|PATCH|DELETE)$/

export class Client {
  readonly base: string
  readonly cookies: Map<string, string>

  constructor(base: string, cookies: ReadonlyMap<string, string> = new Map()) {
    this.base = base
    this.cookies = new Map(cookies)
  }

  /** Another client with the same cookies: what a thief of the jar would have. */
  copy(): Client {
    return new Client(this.base, this.cookies)
  }

  get sessionToken(): string | undefined {
    return this.cookies.get('session')
  }

  async call(method: string, path: string, { body, headers = {} }: CallOptions = {}): Promise<Answer> {
    const sent: Record<string, string | null> = {
      cookie: this.cookies.size === 0 ? null : [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      'content-type': body === undefined ? null : 'application/json',
      ...(unsafe.test(method) ? { origin: this.base, 'x-csrf-token': this.cookies.get('csrf_token') ?? null } : {}),
      ...headers,
    }
    const response = await fetch(this.base + path, {
      method,
      redirect: 'manual',
      headers: Object.entries(sent).filter((entry): entry is [string, string] => entry[1] !== null),
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
    })
    const setCookies = response.headers.getSetCookie()
    for (const line of setCookies) this.#keep(line)
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, setCookies, text, json: isJson ? JSON.parse(text) : undefined }
  }

  get(path: string, options?: CallOptions): Promise<Answer> {
    return this.call('GET', path, options)
  }
  post(path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', path, { ...options, body })
  }
  patch(path: string, body?: unknown): Promise<Answer> {
    return this.call('PATCH', path, { body })
  }
  delete(path: string): Promise<Answer> {
    return this.call('DELETE', path)
  }

  async signIn(username: string, password: string, more: object = {}): Promise<Answer> {
    const answer = await this.post('/auth/login', { username, password, ...more })
    assert.equal(answer.status, 200, answer.text)
    return answer
  }

  #keep(line: string): void {
    const [pair = ''] = line.split(';', 1)
    const at = pair.indexOf('=')
    if (/;\s*max-age=0/i.test(line)) this.cookies.delete(pair.slice(0, at))
    else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }
}

/** Asserts a problem document of this code and status. */
export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
  assert.equal(answer.json.code, code)
  assert.equal(answer.json.status, status)
  assert.equal(answer.json.type, 'about:blank')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
}

/** Names of the fields that a problem document lists. */
export function fieldsOf(answer: Answer): string[] {
  return (answer.json.errors ?? []).map(({ field }: { field: string }) => field).sort()
}
