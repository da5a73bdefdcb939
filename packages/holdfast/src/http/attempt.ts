/** A sign-in attempt of a request: counted against its source, or against the known device that makes it. */
import type { LockKind } from '../defence/lock-keys.ts'
import { HoldfastError } from '../engine/errors.ts'
import type { Attributes } from '../store/store.ts'
import { readCookie } from './cookies.ts'
import type { Exchange } from './exchange.ts'

export interface SignInAttemptInput {
  /** The name as it was typed. */
  readonly name: string
  /** The subject that it belongs to; null when there is none. */
  readonly subject: string | null
}

export type SignInAttempt =
  /** `error`: `account-locked` with the seconds to wait. Throw it once the password was hashed in vain. */
  | { readonly allowed: false; readonly error: HoldfastError }
  | {
      readonly allowed: true
      /** Whether the client signed in to this account before. */
      readonly knownDevice: boolean
      /** The password was wrong. Returns what this failure locked, null for nothing. */
      failed(): Promise<LockKind | null>
      /** It was right: forgets what this attempt was counted among. The `signIn` that follows makes the browser a known device. */
      succeeded(): Promise<void>
      /** It could not be told: the attempt stays counted. Does nothing after `failed` or `succeeded`. */
      abandon(): void
    }

/** Absent, or there twice: then one of them was put there by another host. */
function presentedDevice<A extends Attributes>({ core, carrier, transport }: Exchange<A>): string | undefined {
  return readCookie(carrier.headers.cookie, core.cookies.deviceName(transport)) ?? undefined
}

export async function attempt<A extends Attributes>(
  exchange: Exchange<A>,
  { name, subject }: SignInAttemptInput,
): Promise<SignInAttempt> {
  const { core, context } = exchange
  const detail = exchange.sourceProblem()
  if (detail !== undefined) throw new HoldfastError('csrf-failed', { detail })
  const input = { name, subject, ip: context.ip, device: presentedDevice(exchange) }
  const device = core.lockout.deviceOf(input)
  // Whoever shares a network with an attacker, or is taken for one behind a proxy, keeps a budget on a device of theirs.
  if (device === undefined) await core.limits.attempt.spend(context.ip)
  else await core.limits.attempt.spendFor(`device:${device}`)
  const counted = await core.lockout.attempt(input)
  if (!counted.allowed) return counted
  return {
    ...counted,
    succeeded: async () => {
      exchange.deviceProof = await counted.succeeded()
    },
  }
}
