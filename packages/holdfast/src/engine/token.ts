/**
 * Token format: prefix + base64url of 78 bytes.
 *
 *   key id 3 · session id 18 · generation 4 · expiry in seconds 5 (0: the record decides) · secret 32 · tag 16
 *
 * In an access token the mark of the step-up that it carries stands in place of the generation.
 *
 * 78 is a multiple of 3, so no character carries unused bits, and the session id starts on a character boundary.
 * The tag (HMAC-SHA-256, cut to 128 bits as RFC 2104 allows) covers every other byte under a key of the token's
 * own kind: garbage, forgeries and tokens of another kind are refused before the store is asked.
 */
import type { Instant, SessionId } from '../store/store.ts'
import { equalBytes, type RandomPool, sha256 } from './crypto.ts'
import type { Keyring, SigningKey } from './keyring.ts'

/** Kinds of token and the prefix that makes each recognisable to secret scanners. */
export const tokenKinds = { session: 'hf1_', anonymous: 'hfa1_', refresh: 'hfr1_', ticket: 'hft1_' } as const
export type TokenKind = keyof typeof tokenKinds

const offsets = { id: 3, generation: 21, expiry: 25, secret: 30, tag: 62, end: 78 } as const
const bodyLength = (offsets.end / 3) * 4
const idBytes = 18
const slotTagBytes = 3
const nonceBytes = 18
/** Of the id of a key, which a token and a nonce begin with. */
const keyIdLength = 4

export interface Minted {
  readonly token: string
  /** SHA-256 of the secret: what the record keeps. */
  readonly digest: string
}

export interface ParsedToken {
  readonly kind: TokenKind
  readonly id: SessionId
  /** In an access token: the mark of its step-up. */
  readonly generation: number
  /** Null when the record alone decides. */
  readonly expiresAt: Instant | null
  readonly digest: string
  /** Of the key that signed it. */
  readonly keyId: string
}

export interface TokenInput {
  readonly kind: TokenKind
  readonly id: SessionId
  readonly generation: number
}

/** What the secret of an access token derives from, beside the key. */
export interface AccessInput {
  readonly id: SessionId
  /** Mark of the step-up whose rights the token carries; 0 for none. */
  readonly stepUp: number
  /** Cut to whole seconds. */
  readonly expiresAt: Instant
  /** Only the record holds it: neither a stolen store nor a stolen key alone makes an access token. */
  readonly salt: string
}

export interface Tokens {
  /** A fresh session id. All ids of one subject share a slot tag; an anonymous one's is random. */
  newId(subject: string | null): SessionId
  mint(input: TokenInput): Minted
  mintAccess(input: AccessInput): string
  /** The digest that an access token of these bounds must have, whatever it says itself. */
  accessDigest(parsed: ParsedToken, salt: string): string
  /** For `successor`: 24 base64url characters, the id of the key that signs the successor and 15 random bytes. */
  newNonce(): string
  /** 32 random bytes, base64url. */
  newSalt(): string
  /**
   * What follows a refresh token: one generation per nonce. The secret of each is HMAC(key of its parent, secret of
   * its parent · nonce), so that whoever holds the parent can be given the same successor again, and the store holds
   * nothing to make one from. `proven` is what `parse` made of this very parent: it is not proved again. `undefined` when
   * the parent is no refresh token, or a key is no longer listed.
   */
  successor(parent: string, proven: ParsedToken, nonces: readonly string[]): Minted | undefined
  /** `undefined` for anything that this service did not sign: never throws on bad input. */
  parse(text: string): ParsedToken | undefined
}

/** Of a text of the right length. To count in the pattern as well takes four times as long. */
const canonical: RegExp = /^[A-Za-z0-9_-]+$/

/** Longer than any token: refused by its length alone. */
export const longestToken = 128

const kinds = Object.keys(tokenKinds) as readonly TokenKind[]

function kindOf(text: string): TokenKind | undefined {
  for (const kind of kinds) {
    const prefix = tokenKinds[kind]
    if (text.startsWith(prefix)) return text.length === prefix.length + bodyLength ? kind : undefined
  }
  return undefined
}

const wholeSeconds = (at: Instant): number => Math.floor(at / 1000)

export function createTokens(keyring: Keyring, random: RandomPool): Tokens {
  // Scratch buffers, reused by every call: each function below runs to its end without giving up the thread.
  const bytes = Buffer.alloc(offsets.end)
  const signed = bytes.subarray(0, offsets.tag)
  const secret = bytes.subarray(offsets.secret, offsets.tag)
  const tag = bytes.subarray(offsets.tag)
  const expectedTag = Buffer.alloc(tag.length)
  const id = Buffer.alloc(idBytes)
  const succession = Buffer.alloc(secret.length + nonceBytes)

  const write = (of: { id: SessionId; generation: number; expiresAt?: Instant }) => {
    bytes.write(of.id, offsets.id, idBytes, 'base64url')
    bytes.writeUInt32BE(of.generation, offsets.generation)
    bytes.writeUIntBE(wholeSeconds(of.expiresAt ?? 0), offsets.expiry, 5)
  }
  /** Signs what is written and wipes it. */
  const seal = (kind: TokenKind, key: SigningKey): string => {
    bytes.set(key.idBytes, 0)
    tag.write(key.mac(kind).sign(signed, 'binary'), 0, tag.length, 'latin1')
    const token = tokenKinds[kind] + bytes.toString('base64url')
    bytes.fill(0)
    return token
  }
  const accessSecret = (key: SigningKey, { id: of, stepUp, expiresAt, salt }: AccessInput): Buffer => {
    const bounds = `${salt}.${of}.${stepUp}.${wholeSeconds(expiresAt)}`
    return Buffer.from(key.mac('access').signText(bounds), 'base64url')
  }
  const parse = (text: string): ParsedToken | undefined => {
    const kind = kindOf(text)
    if (kind === undefined) return undefined
    const body = text.slice(tokenKinds[kind].length)
    // Node's decoder skips whitespace, accepts `+`, `/` and characters that share their low byte, and ignores what
    // follows `=`. So many characters of the one alphabet re-encode to themselves, and nothing else does.
    if (!canonical.test(body)) return undefined
    bytes.write(body, 'base64url')
    const key = keyring.find(body.slice(0, keyIdLength))
    if (key === undefined) return undefined
    expectedTag.write(key.mac(kind).sign(signed, 'binary'), 0, expectedTag.length, 'latin1')
    if (!equalBytes(expectedTag, tag)) return undefined
    const expiry = bytes.readUIntBE(offsets.expiry, 5)
    return {
      kind,
      // A slice of the text would keep the whole header that it came in, wherever the id is kept.
      id: bytes.toString('base64url', offsets.id, offsets.generation),
      generation: bytes.readUInt32BE(offsets.generation),
      expiresAt: expiry === 0 ? null : expiry * 1000,
      digest: sha256(secret),
      keyId: key.id,
    }
  }

  return {
    newId(subject) {
      random.take(id, 0, idBytes)
      if (subject !== null) id.write(keyring.signing.mac('slot').signText(subject).slice(0, 4), 0, slotTagBytes, 'base64url')
      return id.toString('base64url')
    },

    mint({ kind, id: of, generation }) {
      write({ id: of, generation })
      random.take(secret, 0, secret.length)
      const digest = sha256(secret)
      return { token: seal(kind, keyring.signing), digest }
    },

    mintAccess(input) {
      const derived = accessSecret(keyring.signing, input)
      write({ ...input, generation: input.stepUp })
      secret.set(derived)
      return seal('session', keyring.signing)
    },

    accessDigest({ keyId, id: of, generation: stepUp, expiresAt }, salt) {
      const key = keyring.find(keyId)
      if (key === undefined || expiresAt === null) return ''
      return sha256(accessSecret(key, { id: of, stepUp, expiresAt, salt }))
    },

    newNonce: () => keyring.signing.id + random.bytes(nonceBytes - keyring.signing.idBytes.length).toString('base64url'),
    newSalt: () => random.bytes(secret.length).toString('base64url'),

    successor(parent, { kind, id: of, generation, keyId }, nonces) {
      if (kind !== 'refresh') return undefined
      bytes.write(parent.slice(tokenKinds.refresh.length), 'base64url')
      let key = keyring.find(keyId)
      for (const nonce of nonces) {
        if (key === undefined) return undefined
        succession.set(secret)
        succession.write(nonce, secret.length, nonceBytes, 'base64url')
        secret.write(key.mac('succession').sign(succession), 'base64url')
        key = keyring.find(nonce.slice(0, keyIdLength))
      }
      succession.fill(0)
      const digest = sha256(secret)
      write({ id: of, generation: generation + nonces.length })
      // The key that signed the successor may be gone from the list: its secret is the same under any.
      return { token: seal('refresh', key ?? keyring.signing), digest }
    },

    parse,
  }
}
