/**
 * Whose lock it is, as a key of the counter store. A name stands in it as a keyed digest: what was typed may be a
 * password, and a stolen store tells nobody which names were tried.
 */
import type { Keyring } from '../engine/keyring.ts'
import { nameKey } from './names.ts'

export type LockKind = 'source' | 'account' | 'device'

export interface LockKeys {
  /** Failures of one name from one source. */
  readonly source: string
  /** Failures of one account in a row, from wherever no device of its own is known. */
  readonly account: string
  /** Failures of one known device. */
  device(id: string): string
}

/** Of base64url: 126 bits, half of a MAC. */
const digestLength = 21
const separator = '|'

/** The keys of a name, `subject` being the account that it belongs to, null when there is none. */
export function lockKeys(keyring: Keyring, name: string, subject: string | null, source: string): LockKeys {
  // One MAC, whatever the name is: its halves tell nothing of each other.
  const mac = keyring.signing.mac('lockout').signLong(`name:${nameKey(name)}`)
  const ofName = mac.slice(0, digestLength)
  // Names of one account share its ceiling. An unknown name has one too.
  const ofAccount = subject === null ? mac.slice(digestLength, 2 * digestLength) : ''
  const key = (kind: LockKind, digest: string, where: string) => `${kind}|${digest}|${where}|${subject ?? ''}`
  return {
    source: key('source', ofName, source.replaceAll(separator, '')),
    account: key('account', ofAccount, ''),
    device: (id) => key('device', ofAccount, id),
  }
}

export interface ParsedLockKey {
  readonly kind: LockKind
  /** The network that is locked; null when it is not one. */
  readonly source: string | null
  /** Null for a name that no account has. */
  readonly subject: string | null
}

export function parseLockKey(key: string): ParsedLockKey | undefined {
  const [kind, , where = '', ...subject] = key.split(separator)
  if (kind !== 'source' && kind !== 'account' && kind !== 'device') return undefined
  return { kind, source: kind === 'source' ? where : null, subject: subject.join(separator) || null }
}
