/** A carrier without a server. */
import type { Carrier, RequestHeaders } from '../../src/http/carrier.ts'

export interface FakeCarrier extends Carrier {
  readonly set: Map<string, string>
  readonly cookies: Map<string, string>
}

export interface FakeRequest {
  readonly method?: string
  readonly target?: string
  readonly encrypted?: boolean
  readonly peer?: string | undefined
  readonly headers?: RequestHeaders
}

export function fakeCarrier({
  method = 'GET',
  target = '/',
  encrypted = false,
  headers = {},
  ...rest
}: FakeRequest): FakeCarrier {
  const set = new Map<string, string>()
  const cookies = new Map<string, string>()
  return {
    method,
    target,
    encrypted,
    peer: 'peer' in rest ? rest.peer : '127.0.0.1',
    host: headers.host,
    headers,
    authorization: headers.authorization,
    setDefault: (name, value) => set.set(name, set.get(name) ?? value),
    setHeader: (name, value) => set.set(name, value),
    setCookie: (name, line) => cookies.set(name, line),
    readBody: () => Promise.resolve(undefined),
    set,
    cookies,
  }
}
