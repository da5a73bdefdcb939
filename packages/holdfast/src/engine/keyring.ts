/** Signing keys: the newest signs, every listed one verifies, a removed one refuses. */
import { deriveKey, Mac, sha256 } from './crypto.ts'
import type { tokenKinds } from './token.ts'

/** What a key may be used for. One derived key each, so that nothing made for one use is accepted for another. */
type Purpose =
  | keyof typeof tokenKinds
  | 'access'
  | 'succession'
  | 'csrf'
  | 'device'
  | 'event-id'
  | 'events'
  | 'fingerprint'
  | 'jwt'
  | 'lockout'
  | 'slot'
const purposes: readonly Purpose[] = [
  'session',
  'anonymous',
  'refresh',
  'ticket',
  'access',
  'succession',
  'csrf',
  'device',
  'event-id',
  'events',
  'fingerprint',
  'jwt',
  'lockout',
  'slot',
]

export interface SigningKey {
  /** First 3 bytes of a digest of the derived material, as 4 base64url characters. Public: it is in every token. */
  readonly id: string
  readonly idBytes: Uint8Array
  mac(purpose: Purpose): Mac
}

export interface Keyring {
  readonly signing: SigningKey
  readonly all: readonly SigningKey[]
  find(id: string): SigningKey | undefined
}

function signingKey(secret: string): SigningKey {
  const macs = new Map(purposes.map((purpose) => [purpose, new Mac(deriveKey(secret, purpose))]))
  const id = sha256(deriveKey(secret, 'key-id')).slice(0, 4)
  return {
    id,
    idBytes: Buffer.from(id, 'base64url'),
    mac(purpose) {
      const mac = macs.get(purpose)
      if (mac === undefined) throw new RangeError(`no key is derived for ${purpose}`)
      return mac
    },
  }
}

/** Newest secret first; at least one. Throws when two secrets share a key id (probability 2^-24) or are equal. */
export function createKeyring(secrets: readonly [string, ...string[]]): Keyring {
  const [newest, ...older] = secrets
  const signing = signingKey(newest)
  const all = [signing, ...older.map(signingKey)]
  const byId = new Map(all.map((key) => [key.id, key]))
  if (byId.size !== all.length) throw new RangeError('two secrets have the same key id: replace one of them')
  return { signing, all, find: (id) => byId.get(id) }
}
