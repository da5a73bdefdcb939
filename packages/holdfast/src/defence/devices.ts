/**
 * Known devices: a browser that signed in to an account is given proof of it, which it presents at the next sign-in.
 *
 * The proof of one account is 46 characters: device id 16 · seconds since 1970 in base 36, 8 · tag 22. The tag
 * (HMAC-SHA-256, cut to 132 bits) covers them and the account under a key of its own, so that it says nothing about
 * whose it is and is good for no other account and for no session. A cookie holds the proofs of a few accounts, the
 * latest first.
 */
import { equalText, type RandomPool } from '../engine/crypto.ts'
import type { Keyring, SigningKey } from '../engine/keyring.ts'
import type { Instant } from '../store/store.ts'

const idBytes = 12
const offsets = { issued: 16, tag: 24, end: 46 } as const
const timeBase = 36
const proofText = /^[A-Za-z0-9_-]{16}[0-9a-z]{8}[A-Za-z0-9_-]{22}$/
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
  if (cookie === undefined) return []
  return cookie.split(separator, mostProofs).filter((text) => proofText.test(text))
}

/** `signed`: id and time of a proof. */
function tagOf(key: SigningKey, signed: string, subject: string): string {
  return key
    .mac('device')
    .signLong(`${signed}:${subject}`)
    .slice(0, offsets.end - offsets.tag)
}

export function createDevices(keyring: Keyring, random: RandomPool): Devices {
  const id = Buffer.alloc(idBytes)
  const isOf = (proof: string, subject: string) => {
    const [signed, tag] = [proof.slice(0, offsets.tag), proof.slice(offsets.tag)]
    return keyring.all.some((key) => equalText(tagOf(key, signed, subject), tag))
  }

  return {
    recognise(cookie, subject, now) {
      for (const proof of proofsOf(cookie)) {
        if (!isOf(proof, subject)) continue
        const issued = Number.parseInt(proof.slice(offsets.issued, offsets.tag), timeBase) * 1000
        const isCurrent = issued <= now + toleratedMs && now < issued + deviceLifetimeMs
        return isCurrent ? proof.slice(0, offsets.issued) : undefined
      }
      return undefined
    },

    renew(cookie, subject, now) {
      const issued = Math.floor(now / 1000).toString(timeBase)
      random.take(id, 0, idBytes)
      const signed = id.toString('base64url') + issued.padStart(offsets.tag - offsets.issued, '0')
      const others = proofsOf(cookie).filter((proof) => !isOf(proof, subject))
      return [signed + tagOf(keyring.signing, signed, subject), ...others].slice(0, mostProofs).join(separator)
    },
  }
}
