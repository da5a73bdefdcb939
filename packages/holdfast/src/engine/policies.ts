/** What to do about a changed client. */

/** Weakest first. Each but `off` raises an event. */
export type ChangePolicy = 'off' | 'log' | 'step-up' | 'deny' | 'revoke'

export const changePolicies: readonly ChangePolicy[] = ['off', 'log', 'step-up', 'deny', 'revoke']
