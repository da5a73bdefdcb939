/** What the coordinator and its nodes say to each other. */

export type Backend =
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'cluster'; readonly rootNodes: readonly { readonly url: string }[] }
  | { readonly kind: 'sentinel'; readonly name: string; readonly sentinels: readonly { host: string; port: number }[] }
  | { readonly kind: 'postgres'; readonly connection: object; readonly migrate: boolean }

export interface NodeOptions {
  readonly backend: Backend
  /** `maxStaleness`, in ms. */
  readonly bound: number
  /** Added to the clock of this node, in ms. */
  readonly offset: number
  /** A negative control: a defence that this node does without. */
  readonly without?: Defence | undefined
}

/**
 * `feed`: the feed claims to be whole and tells nothing. `bound`: it tells nothing either, and what is remembered may
 * be a minute old. `reassertion`: what a failover forgot is not asserted again.
 */
export const defences = ['feed', 'bound', 'reassertion'] as const
export type Defence = (typeof defences)[number]

export type Order =
  | { readonly do: 'issue'; readonly subject: string }
  | { readonly do: 'issueAnonymous' }
  | { readonly do: 'verify'; readonly token: string; readonly fresh: boolean }
  | { readonly do: 'revoke'; readonly session: string }
  | { readonly do: 'revokeSubject'; readonly subject: string }
  | { readonly do: 'revokeAll' }
  | { readonly do: 'regenerate'; readonly session: string }
  | { readonly do: 'promote'; readonly session: string; readonly subject: string }
  | { readonly do: 'live'; readonly subject: string }
  | { readonly do: 'put'; readonly ticket: string }
  | { readonly do: 'take'; readonly ticket: string }
  | { readonly do: 'issueTokens'; readonly subject: string }
  | { readonly do: 'refresh'; readonly token: string }
  | { readonly do: 'issueTicket'; readonly session: string }
  | { readonly do: 'redeem'; readonly ticket: string }
  | { readonly do: 'stats' }
  /** Sets the clock of the node forward, or back, by so many ms. */
  | { readonly do: 'setClock'; readonly by: number }

/** In ms: short, so that a history sees tokens that come back after it. */
export const tokenGrace = 2000
