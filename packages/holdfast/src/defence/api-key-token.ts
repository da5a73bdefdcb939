/**
 * The text of an API key: `hfk1_` + base64url of 78 bytes, in the format of every token (`engine/token.ts`), with
 * generation and expiry 0, since the record decides. The tag is made with a key of its own: a key is never taken for
 * another kind of token, nor another kind for a key, and forgeries are refused before the store is asked.
 * An id begins with that of the secret: whoever is to take a secret off the list can tell which keys end with it.
 */
import { deriveKey, equalBytes, Mac, type RandomPool, sha256 } from '../engine/crypto.ts'

export const apiKeyPrefix = 'hfk1_'

const offsets = { id: 3, unique: 6, zeros: 21, secret: 30, tag: 62, end: 78 } as const
const bodyLength = (offsets.end / 3) * 4
const shape: RegExp = new RegExp(`^${apiKeyPrefix}[A-Za-z0-9_-]{${bodyLength}}$`)

export interface MintedKey {
  readonly id: string
  readonly token: string
  /** SHA-256 of the 32-byte secret. */
  readonly digest: string
}

/** `malformed`: it does not look like a key. `unknown`: it does, and nobody here signed it. */
export type ParsedKey = Pick<MintedKey, 'id' | 'digest'> | 'malformed' | 'unknown'

export interface ApiKeyTokens {
  mint(): MintedKey
  /** Never throws on bad input. */
  parse(text: string): ParsedKey
  /** Which of the secrets signed the key of this id, counted from 0; -1 for none of them. */
  signerOf(id: string): number
}

/** Newest secret first: it signs, every listed one verifies. */
export function createApiKeyTokens(secrets: readonly [string, ...string[]], random: RandomPool): ApiKeyTokens {
  const keys = secrets.map((secret) => ({
    id: sha256(deriveKey(secret, 'key-id')).slice(0, 4),
    mac: new Mac(deriveKey(secret, 'api-key')),
  }))
  const tagOf = (mac: Mac, bytes: Buffer): Buffer =>
    Buffer.from(mac.sign(bytes.subarray(0, offsets.tag), 'binary'), 'latin1').subarray(0, offsets.end - offsets.tag)

  return {
    mint() {
      const [{ id: keyId, mac }] = keys as [(typeof keys)[number]]
      const bytes = Buffer.alloc(offsets.end)
      bytes.write(keyId, 0, 'base64url')
      bytes.write(keyId, offsets.id, 'base64url')
      random.take(bytes, offsets.unique, offsets.zeros - offsets.unique)
      random.take(bytes, offsets.secret, offsets.tag - offsets.secret)
      tagOf(mac, bytes).copy(bytes, offsets.tag)
      const minted = {
        id: bytes.toString('base64url', offsets.id, offsets.zeros),
        token: apiKeyPrefix + bytes.toString('base64url'),
        digest: sha256(bytes.subarray(offsets.secret, offsets.tag)),
      }
      bytes.fill(0)
      return minted
    },

    parse(text) {
      // So many characters of the one alphabet have one spelling only: 78 is a multiple of 3.
      if (!shape.test(text)) return 'malformed'
      const bytes = Buffer.from(text.slice(apiKeyPrefix.length), 'base64url')
      const key = keys.find(({ id }) => text.startsWith(id, apiKeyPrefix.length))
      if (key === undefined || !equalBytes(tagOf(key.mac, bytes), bytes.subarray(offsets.tag))) return 'unknown'
      return {
        id: bytes.toString('base64url', offsets.id, offsets.zeros),
        digest: sha256(bytes.subarray(offsets.secret, offsets.tag)),
      }
    },

    signerOf: (text) => keys.findIndex(({ id }) => text.startsWith(id)),
  }
}

const shortest = 32
const longest = 512
const fewestBits = 96
const printable = /^[\x21-\x7e]+$/

/** What is wrong with a key that was made elsewhere, without repeating any of it; `undefined` when nothing is. */
export function importedKeyProblem(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length < shortest) return `must have at least ${shortest} characters`
  if (text.length > longest) return `must have at most ${longest} characters`
  if (!printable.test(text)) return 'must be printable ASCII without spaces'
  if (text.startsWith(apiKeyPrefix)) return 'must be one that was made elsewhere'
  if (repeats(text) || climbs(text) || bitsOf(text) < fewestBits) return 'is too easy to guess: use a random one'
  return undefined
}

/** The same piece over and over, be the last one cut short. */
function repeats(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period += 1) if (text.startsWith(text.slice(period))) return true
  return false
}

/** Characters that mostly follow from the one before: `abcdef`, `987654`, `aaaa`. */
function climbs(text: string): boolean {
  let steps = 0
  for (let at = 1; at < text.length; at += 1) if (Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) <= 1) steps += 1
  return steps * 2 > text.length
}

/** Shannon's entropy of its characters: what a guesser has left who knows how often each occurs. */
function bitsOf(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= count * Math.log2(count / text.length)
  return bits
}

export const importedKeyPrefix = 'imported_'

/** Where an imported key's record stands: what is one-way of a text that cannot be guessed tells nothing of it. */
export function importedKeyOf(text: string): Pick<MintedKey, 'id' | 'digest'> {
  return { id: `${importedKeyPrefix}${sha256(`holdfast/1/imported-key-id/${text}`).slice(0, 24)}`, digest: sha256(text) }
}
