/** What requests may say: anything else is answered with the field and its limit. */
import { HoldfastError } from 'holdfast'

const longestText = 2000

function refuse(field: string, message: string): never {
  throw new HoldfastError('invalid-request', { fields: [{ field, message }] })
}

export interface Saying {
  readonly text: string
  /** How the client will carry a visitor's session: a browser in a cookie, another program in a header. */
  readonly carrier: 'header' | 'cookie'
}

export function readSaying(body: unknown): Saying {
  const { text, carrier = 'header' } = (body ?? {}) as { text?: unknown; carrier?: unknown }
  if (typeof text !== 'string' || text.trim() === '' || text.length > longestText) {
    return refuse('text', `must be 1 to ${longestText} characters, not all of them blank`)
  }
  if (carrier !== 'header' && carrier !== 'cookie') return refuse('carrier', 'must be header or cookie')
  return { text: text.trim(), carrier }
}

export function readLogin(body: unknown): { readonly username: string; readonly password: string } {
  const { username, password } = (body ?? {}) as { username?: unknown; password?: unknown }
  if (typeof username !== 'string' || username === '' || username.length > 64) {
    return refuse('username', 'must be 1 to 64 characters')
  }
  if (typeof password !== 'string' || password.length > 256) return refuse('password', 'must be at most 256 characters')
  return { username, password }
}
