/** Holdfast as an app sets it up: defaults, a secret, a store. */
import { randomBytes } from 'node:crypto'
import { createHoldfast, type Holdfast, type HoldfastOptions } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { addressOf, subjectOf, userAgentOf } from './clients.ts'

type Store = HoldfastOptions['store']

/** All clients sign in from this machine, one address, before anything is measured. */
const limits = { signInsPerMinute: 100_000 } as const

export function freshHoldfast(store: Store = memoryStore(), secret: string = randomBytes(32).toString('hex')): Holdfast {
  return createHoldfast({ secret, store, ...limits })
}

/** Asks the store at each check. */
export function forgetfulHoldfast(store: Store, secret: string = randomBytes(32).toString('hex')): Holdfast {
  return createHoldfast({ secret, store, ...limits, rememberedChecks: 0 })
}

/** Signs in the `at`-th user from their own address; the token is theirs. */
export async function signIn(holdfast: Holdfast, at: number): Promise<string> {
  const context = { ip: addressOf(at), userAgent: userAgentOf(at) }
  const { token } = await holdfast.issue({ subject: subjectOf(at), attributes: { role: 'member' }, context })
  return token
}
