/**
 * What every server has in common. `POST /login?subject=…` gives a session in cookies, or a token as
 * `{ "token": "…" }`; `GET /me` answers `{ "subject": "…" }`, or 401 without a session. Bare ones know nobody.
 */
import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Listening {
  address(): AddressInfo | string | null
}

export type StartServer = (folder: string) => Promise<Listening>

export const host = '127.0.0.1'
export const nobody = { subject: 'user-0' } as const
export const refusal = { error: 'session-required' } as const

export function subjectIn(target: string | undefined): string {
  return new URL(target ?? '/', 'http://server').searchParams.get('subject') ?? ''
}

/** The token of `Authorization: Bearer …`; empty when there is none. */
export function tokenIn(authorization: string | undefined): string {
  return (authorization ?? '').slice('Bearer '.length)
}

export function isLogin(request: IncomingMessage): boolean {
  return request.method === 'POST' && request.url?.startsWith('/login') === true
}

export async function listening(server: Server): Promise<Server> {
  if (!server.listening) await once(server, 'listening')
  return server
}
