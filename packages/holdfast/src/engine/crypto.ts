/**
 * Every use of `node:crypto`, in one file.
 *
 * One-shot `crypto.hash` with string results is used on the hot path: creating Hash and Buffer objects costs
 * three times the hashing itself. HMAC (RFC 2104) is two of those. WebCrypto is not used: it is asynchronous.
 */
import {
  createECDH,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hash,
  hkdfSync,
  KeyObject,
  randomFillSync,
  sign as signOnce,
  timingSafeEqual,
  verify as verifyOnce,
} from 'node:crypto'
import { derOf } from './der.ts'
import { cryptoUnavailable } from './errors.ts'

/** Fills the buffer with random bytes; may throw. The default is the operating system's CSPRNG. */
export type RandomFill = (buffer: Uint8Array) => void

export const systemRandom: RandomFill = (buffer) => {
  randomFillSync(buffer)
}

const poolSize = 8192

/**
 * Draws random bytes from a pool, because one call of the CSPRNG costs the same for 32 bytes as for thousands.
 * Bytes are wiped as they are handed out. A source that throws, fills nothing or fills short is a fault: there
 * is no fallback, ever.
 */
export class RandomPool {
  readonly #fill: RandomFill
  readonly #pool: Buffer = Buffer.alloc(poolSize)
  #next: number = poolSize

  constructor(fill: RandomFill) {
    this.#fill = fill
  }

  /** Copies `length` fresh bytes (at most 4096) into `target` at `offset`. */
  take(target: Uint8Array, offset: number, length: number): void {
    if (this.#next + length > poolSize) this.#refill()
    const start = this.#next
    this.#next += length
    // Byte by byte: for as few as a secret has, making a view of them takes longer.
    for (let at = 0; at < length; at += 1) {
      target[offset + at] = this.#pool[start + at] ?? 0
      this.#pool[start + at] = 0
    }
  }

  bytes(length: number): Buffer {
    const out = Buffer.alloc(length)
    this.take(out, 0, length)
    return out
  }

  #refill(): void {
    this.#pool.fill(0)
    try {
      this.#fill(this.#pool)
    } catch (cause) {
      throw cryptoUnavailable(cause)
    }
    // A run of 16 zero bytes in random data has probability 2^-115 per pool: a short or failed fill, not chance.
    for (let start = 0; start < poolSize; start += 16) {
      if (isZero(this.#pool, start, start + 16)) throw cryptoUnavailable(new Error('the random source returned zeros'))
    }
    this.#next = 0
  }
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0) return false
  return true
}

/** SHA-256, base64url. Throws `crypto-unavailable` when the platform's crypto fails. */
export function sha256(input: string | Uint8Array): string {
  try {
    return hash('sha256', input, 'base64url')
  } catch (cause) {
    throw cryptoUnavailable(cause)
  }
}

/** HKDF-SHA-256 (RFC 5869) with the purpose as info: 32 bytes, or as many as asked. */
export function deriveKey(secret: string, purpose: string, length = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `holdfast/1/${purpose}`, length))
}

const blockSize = 64
const longestMessage = 1024
/** In UTF-8, at most, of each that a string counts. */
const bytesPerCharacter = 3

/** HMAC-SHA-256 under one key. Not reentrant, and need not be: it is synchronous. */
export class Mac {
  readonly #inner: Buffer = Buffer.alloc(blockSize + longestMessage)
  readonly #outer: Buffer = Buffer.alloc(blockSize + 32)
  /** The inner block and a message, by the length of the message. */
  readonly #inputs: Buffer[] = []

  /** The key is 32 bytes, as `deriveKey` gives. */
  constructor(key: Uint8Array) {
    for (let at = 0; at < blockSize; at += 1) {
      const byte = key[at] ?? 0
      this.#inner[at] = byte ^ 0x36
      this.#outer[at] = byte ^ 0x5c
    }
  }

  /** The MAC of up to 1024 bytes, in `encoding`. */
  sign(message: Uint8Array, encoding: 'base64url' | 'binary' = 'base64url'): string {
    if (message.length > longestMessage) throw new RangeError('message too long for this MAC')
    this.#inner.set(message, blockSize)
    return this.#signed(message.length, encoding)
  }

  /** The MAC of a text of up to 1024 bytes in UTF-8, base64url. */
  signText(text: string): string {
    if (text.length * bytesPerCharacter > longestMessage) return this.sign(Buffer.from(text))
    return this.#signed(this.#inner.write(text, blockSize), 'base64url')
  }

  /**
   * The MAC of a text of any length. A long one is hashed first: what is signed so must hold a character that no digest
   * does, such as a colon, or a text and its digest had one MAC.
   */
  signLong(text: string): string {
    return this.signText(text.length * bytesPerCharacter > longestMessage ? sha256(text) : text)
  }

  /** The MAC of what was written behind the inner block. */
  #signed(length: number, encoding: 'base64url' | 'binary'): string {
    this.#inputs[length] ??= this.#inner.subarray(0, blockSize + length)
    try {
      this.#outer.write(hash('sha256', this.#inputs[length], 'binary'), blockSize, 'latin1')
      return hash('sha256', this.#outer, encoding)
    } catch (cause) {
      throw cryptoUnavailable(cause)
    }
  }
}

/** Room for 256 characters in UTF-8, and a view of each length, so that a comparison allocates nothing. */
const longestCompared = 256
const left: Buffer = Buffer.alloc(longestCompared * 3)
const right: Buffer = Buffer.alloc(longestCompared * 3)
const leftViews: Buffer[] = Array.from({ length: longestCompared + 1 }, (_, length) => left.subarray(0, length))
const rightViews: Buffer[] = Array.from({ length: longestCompared + 1 }, (_, length) => right.subarray(0, length))

/** Compares two ASCII strings in time that depends on their length only; anything else is unequal. */
export function equalText(a: string, b: string): boolean {
  const { length } = a
  const leftView = leftViews[length]
  const rightView = rightViews[length]
  if (length !== b.length || leftView === undefined || rightView === undefined) return false
  // Other characters take more than one byte: cut to one, they could equal an ASCII one.
  if (left.write(a) !== length || right.write(b) !== length) return false
  return timingSafeEqual(leftView, rightView)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export { KeyObject }

/** A key as RFC 7517 writes it. A type of our own: from Node 25 on, `node:crypto` names none. */
export interface JsonWebKey {
  readonly kty?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly [member: string]: unknown
}

/** Signature algorithms of JSON Web Signature (RFC 7518, RFC 8037). */
export type SigningAlgorithm = 'EdDSA' | 'ES256' | 'HS256'

/** A key's two halves: `sign` is null when it can only verify. */
export interface Signature {
  readonly sign: ((text: string) => Buffer) | null
  readonly verify: (text: string, signature: Uint8Array) => boolean
}

/** ECDSA signatures as JWS writes them (RFC 7518 3.4): two numbers of 32 bytes, not DER. */
const dsaEncoding = 'ieee-p1363'

function faultsNamed<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw cryptoUnavailable(cause)
  }
}

function publicKeyOf(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key
}

/**
 * The library's own way from two numbers to DER costs as much as half a check: it asks the key for the size of its curve
 * each time. Ours is known.
 */
function isSignatureOf(key: KeyObject, digest: string | null, text: string, signature: Uint8Array): boolean {
  const encoded = digest === null ? signature : derOf(signature)
  return encoded !== undefined && verifyOnce(digest, Buffer.from(text), key, encoded)
}

/** Signs and verifies ASCII text with the key of one algorithm; the caller has made sure that they fit. */
export function signatureOf(algorithm: SigningAlgorithm, key: KeyObject): Signature {
  if (algorithm === 'HS256') {
    const mac = (text: string) => faultsNamed(() => createHmac('sha256', key).update(text).digest())
    return { sign: mac, verify: (text, signature) => equalBytes(mac(text), signature) }
  }
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const publicHalf = publicKeyOf(key)
  const privateHalf = key.type === 'private' ? ({ key, dsaEncoding } as const) : null
  return {
    sign: privateHalf && ((text) => faultsNamed(() => signOnce(digest, Buffer.from(text), privateHalf))),
    verify: (text, signature) => faultsNamed(() => isSignatureOf(publicHalf, digest, text, signature)),
  }
}

/** What is public of an asymmetric key, as a JWK. */
export function publicJwk(key: KeyObject): JsonWebKey {
  return publicKeyOf(key).export({ format: 'jwk' })
}

/** A key from PEM or JWK. Throws when it is neither, or not of the half asked for. */
export function importKey(half: 'private' | 'public', key: string | JsonWebKey): KeyObject {
  const input = typeof key === 'string' ? key : ({ key, format: 'jwk' } as const)
  return half === 'private' ? createPrivateKey(input) : createPublicKey(input)
}

export function secretKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes)
}

/** PKCS #8 (RFC 8410) up to the 32 bytes of the key. */
const ed25519Prefix: Buffer = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The Ed25519 key of a seed of 32 bytes. */
export function ed25519Key(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([ed25519Prefix, seed]), format: 'der', type: 'pkcs8' })
}

/** Order of the P-256 group. */
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The P-256 key of 48 bytes: reduced modulo n - 1, so that no key is likelier than another (FIPS 186-5, A.2.1). */
export function p256Key(seed: Uint8Array): KeyObject {
  const scalar = (BigInt(`0x${Buffer.from(seed).toString('hex')}`) % (p256Order - 1n)) + 1n
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(scalar.toString(16).padStart(64, '0'), 'hex')
  const point = curve.getPublicKey()
  const coordinate = (from: number) => point.subarray(from, from + 32).toString('base64url')
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').toString('base64url')
  return importKey('private', { kty: 'EC', crv: 'P-256', d, x: coordinate(1), y: coordinate(33) })
}
