/**
 * Names of the events of a stream, as its client is told them and gives them back (`Last-Event-ID`). Each carries a
 * MAC over the session and the name, so that what another session was told, or nobody, says nothing here.
 */
import type { SessionId } from '../store/store.ts'
import { equalText } from './crypto.ts'
import { invalidField } from './errors.ts'
import type { Keyring, SigningKey } from './keyring.ts'

/** Header values are Latin-1 to Node and UTF-8 to browsers, a NUL voids an id, and a dot ends it here. */
const nameSpelling = /^[\x21-\x7e]{1,128}$/
const tagLength = 22
const idSpelling = /^([\x21-\x7e]{1,128})\.([A-Za-z0-9_-]{22})$/

function tagOf(key: SigningKey, session: SessionId, name: string): string {
  return key
    .mac('event-id')
    .signText(session + name)
    .slice(0, tagLength)
}

/** Throws `invalid-request` for a name that is not 1 to 128 visible ASCII characters. */
export function eventId(key: SigningKey, session: SessionId, name: string): string {
  if (typeof name !== 'string' || !nameSpelling.test(name)) {
    throw invalidField('id', 'must be 1 to 128 visible ASCII characters')
  }
  return `${name}.${tagOf(key, session, name)}`
}

/** The name; `undefined` for anything that was never told to this session. Never throws on bad input. */
export function eventNameOf(keyring: Keyring, session: SessionId, id: string): string | undefined {
  const [, name, tag] = idSpelling.exec(id) ?? []
  if (name === undefined || tag === undefined) return undefined
  return keyring.all.some((key) => equalText(tagOf(key, session, name), tag)) ? name : undefined
}
