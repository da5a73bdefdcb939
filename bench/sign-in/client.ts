/** Requests as a proxy on this host passes them on, each with the address of its client. */
import { Agent, request } from 'node:http'

export const origin = 'https://auth.example.test'
export const secret = 'k3Jv9QxZ-b7Rt2Yw_M5nH8sLd0Fg4PcUaVeXiBoTjK1'
export const setupToken = 'setup-Zq81-kf02-Lm77'
export const password = 'tall giraffes read quietly'

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Address of the client. */
  readonly from: string
  readonly cookies?: string
  readonly csrf?: string
  readonly body?: object
}

export interface Answered {
  readonly status: number
  readonly ms: number
  readonly setCookies: readonly string[]
}

/** As many connections as are wanted at once, kept open. */
const agent = new Agent({ keepAlive: true, maxSockets: 128 })

export function ask(server: string, { method, path, from, cookies, csrf, body }: Asked): Promise<Answered> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    host: new URL(origin).host,
    origin,
    'x-forwarded-for': from,
    'x-forwarded-proto': 'https',
    ...(cookies === undefined ? {} : { cookie: cookies }),
    ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }),
    ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
  }
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const sent = request(`${server}${path}`, { method, headers, agent }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          ms: performance.now() - began,
          setCookies: response.headers['set-cookie'] ?? [],
        }),
      )
    })
    sent.on('error', reject)
    sent.end(payload)
  })
}

export function closeConnections(): void {
  agent.destroy()
}

export interface SignedIn {
  readonly cookies: string
  readonly csrf: string
}

export function cookiesOf({ setCookies }: Answered): SignedIn {
  const pairs = setCookies.map((line) => line.split(';', 1)[0] ?? '')
  const csrf = pairs.find((pair) => pair.startsWith('__Host-csrf_token='))?.split('=')[1] ?? ''
  return { cookies: pairs.join('; '), csrf }
}

/** Throws on any other status: a run with a wrong answer measures something else. */
export async function expecting(status: number, answered: Promise<Answered>): Promise<Answered> {
  const answer = await answered
  if (answer.status !== status) throw new Error(`answered ${answer.status}, not ${status}`)
  return answer
}
