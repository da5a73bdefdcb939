/**
 * Known devices: a browser that signed in to an account is given proof of it, which it presents at the next sign-in.
 *
 * The proof of one account is 33 bytes: device id 12 · seconds since 1970 5 · tag 16. The tag (HMAC-SHA-256, cut to
 * 128 bits) covers them and the account under a key of its own, so that it says nothing about whose it is and is good
 * for no other account and for no session. A cookie holds the proofs of a few accounts, the latest first.
 */
import { equalBytes, type RandomPool, sha256 } from '../engine/crypto.ts'
import type { Keyring, SigningKey } from '../engine/keyring.ts'
import type { Instant } from '../store/store.ts'

const offsets = { id: 0, issued: 12, tag: 17, end: 33 } as const
const proofText = /^[A-Za-z0-9_-]{44}$/
const mostProofs = 4
const separator = '.'

/** As long as browsers keep a cookie. */
export const deviceLifetimeMs: number = 400 * 24 * 3_600_000
/** Clocks of nodes differ. */
const toleratedMs = 60_000

export interface Devices {
  /** The id of the device when the cookie proves that it is one of the subject's, else `undefined`. */
  recognise(cookie: string | undefined, subject: string, now: Instant): string | undefined
  /** A cookie with a new proof for the subject in place of its old one; those of other accounts stay. */
  renew(cookie: string | undefined, subject: string, now: Instant): string
}

function proofsOf(cookie: string | undefined): string[] {
  return (cookie ?? '').split(separator, mostProofs).filter((text) => proofText.test(text))
}

function tagOf(key: SigningKey, proof: Uint8Array, subject: string): Buffer {
  const message = Buffer.concat([proof.subarray(0, offsets.tag), Buffer.from(sha256(subject))])
  return Buffer.from(key.mac('device').sign(message), 'base64url').subarray(0, offsets.end - offsets.tag)
}

export function createDevices(keyring: Keyring, random: RandomPool): Devices {
  const isOf = (proof: Buffer, subject: string) =>
    keyring.all.some((key) => equalBytes(tagOf(key, proof, subject), proof.subarray(offsets.tag)))

  return {
    recognise(cookie, subject, now) {
      for (const text of proofsOf(cookie)) {
        const proof = Buffer.from(text, 'base64url')
        if (!isOf(proof, subject)) continue
        const issued = proof.readUIntBE(offsets.issued, offsets.tag - offsets.issued) * 1000
        const isCurrent = issued <= now + toleratedMs && now < issued + deviceLifetimeMs
        return isCurrent ? text.slice(0, 16) : undefined
      }
      return undefined
    },

    renew(cookie, subject, now) {
      const proof = Buffer.alloc(offsets.end)
      random.take(proof, offsets.id, offsets.issued)
      proof.writeUIntBE(Math.floor(now / 1000), offsets.issued, offsets.tag - offsets.issued)
      proof.set(tagOf(keyring.signing, proof, subject), offsets.tag)
      const others = proofsOf(cookie).filter((text) => !isOf(Buffer.from(text, 'base64url'), subject))
      return [proof.toString('base64url'), ...others].slice(0, mostProofs).join(separator)
    },
  }
}
