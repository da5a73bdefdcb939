/** What the tests of the OAuth endpoints share: posting a form, and clients that authenticate. */
import assert from 'node:assert/strict'
import type { Answer, Client } from '../client.ts'

export type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[] | string

type Headers = Readonly<Record<string, string | null>>

/** As a stock client sends it: a form, no cookie, no Origin. */
export function postForm(server: { client(): Client }, path: string, fields: Fields, headers: Headers = {}): Promise<Answer> {
  const body = typeof fields === 'string' ? fields : new URLSearchParams(fields as Record<string, string>).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded', origin: null }
  return server.client().post(path, body, { headers: { ...type, ...headers } })
}

export interface Pair {
  readonly access: string
  readonly refresh: string
  readonly session: string
}

/** A pair of tokens for a program of who is signed in. */
export async function pairFor(client: Client, body: object = {}): Promise<Pair> {
  const { status, json, text } = await client.post('/auth/tokens', body)
  assert.equal(status, 200, text)
  return { access: json.access_token, refresh: json.refresh_token, session: json.session.id }
}

export interface Key {
  readonly id: string
  readonly token: string
}

export async function keyFor(client: Client, scopes: readonly string[] = [], more: object = {}): Promise<Key> {
  const { status, json, text } = await client.post('/auth/keys', { name: 'a service', scopes, ...more })
  assert.equal(status, 201, text)
  return { id: json.key.id, token: json.token }
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`

/** Asserts an error as RFC 6749 section 5.2 has it. */
export function assertOauthError(answer: Answer, status: number, error: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  assert.deepEqual([answer.json.error, Object.keys(answer.json).sort()], [error, ['error', 'error_description']])
  assert.match(answer.json.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual(answer.setCookies, [])
}
