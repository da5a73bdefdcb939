/** A sign-in attempt of a request: counted against its source, or against the known device that makes it. */
import type { LockKind } from '../defence/lock-keys.ts'
import { HoldfastError, invalidField } from '../engine/errors.ts'
import { checkInput, type RulesFor } from '../engine/inputs.ts'
import type { Attributes } from '../store/store.ts'
import { readCookie } from './cookies.ts'
import type { Exchange } from './exchange.ts'

export interface SignInAttemptInput {
  /** The name as it was typed, 1 to 1024 characters; anything else is `invalid-request`. */
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

const longestName = 1024
const wrongName = `must be text of 1 to ${longestName} characters`
const inputRules: RulesFor<SignInAttemptInput> = {
  name: (value) => (typeof value === 'string' && value !== '' && value.length <= longestName ? undefined : wrongName),
  subject: (value) => (value === null || typeof value === 'string' ? undefined : 'must be text, or null for none'),
}

/** The name comes from a request, and may be anything. */
function checkAttempt(input: SignInAttemptInput): void {
  checkInput(input, 'input', inputRules)
  if (input.name === undefined) throw invalidField('name', wrongName)
  if (!('subject' in input)) throw invalidField('subject', 'is required: the account of the name, null for none')
}

export async function attempt<A extends Attributes>(exchange: Exchange<A>, given: SignInAttemptInput): Promise<SignInAttempt> {
  checkAttempt(given)
  // Undefined, as what is found of no account may be, is no account too: names that nobody has are counted apart.
  const { name, subject = null } = given
  const { core, context } = exchange
  const detail = exchange.sourceProblem()
  if (detail !== undefined) throw new HoldfastError('csrf-failed', { detail })
  const input = { name, subject, ip: context.ip, device: presentedDevice(exchange) }
  // Whoever shares a network with an attacker, or is taken for one behind a proxy, keeps a budget on a device of theirs.
  const counted = await core.lockout.attempt(input, (device) =>
    device === undefined ? core.limits.attempt.spend(context.ip) : core.limits.attempt.spendFor(`device:${device}`),
  )
  if (!counted.allowed) return counted
  return {
    ...counted,
    succeeded: async () => {
      exchange.deviceProof = await counted.succeeded()
    },
  }
}
