/** The store contract as checks: whoever writes a store runs them on it, with a runner of their choice. */
import type { Awaitable } from '../store/store.ts'
import { apiKeyChecks } from './contract/api-keys.ts'
import { changeChecks } from './contract/changes.ts'
import type { Checks, StoreSet } from './contract/check.ts'
import { counterChecks } from './contract/counters.ts'
import { denylistChecks } from './contract/denylist.ts'
import { eventLogChecks } from './contract/event-log.ts'
import { getChecks } from './contract/get.ts'
import { insertChecks } from './contract/insert.ts'
import { listChecks } from './contract/list.ts'
import { replaceChecks } from './contract/replace.ts'
import { everyoneChecks, revokeChecks } from './contract/revoke.ts'
import { sweepChecks } from './contract/sweep.ts'
import { ticketChecks } from './contract/tickets.ts'
import { touchChecks } from './contract/touch.ts'
import { visitorChecks } from './contract/visitors.ts'

/** The functions of a test runner: Vitest's, those of `node:test`, Jest's or Mocha's. */
export interface ContractRunner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** Opens stores on fresh, empty data; called once for each check. */
export type OpenStores = () => Awaitable<StoreSet>

export interface ContractCheck {
  readonly group: string
  readonly name: string
  /** Resolves when the store keeps this part of the contract; rejects with an `AssertionError` when not. */
  run(open: OpenStores): Promise<void>
}

const groups: { readonly [group: string]: Checks } = {
  insert: insertChecks,
  get: getChecks,
  replace: replaceChecks,
  touch: touchChecks,
  list: listChecks,
  revoke: revokeChecks,
  'everyone out': everyoneChecks,
  sweep: sweepChecks,
  visitors: visitorChecks,
  changes: changeChecks,
  tickets: ticketChecks,
  counters: counterChecks,
  denylist: denylistChecks,
  'API keys': apiKeyChecks,
  'event log': eventLogChecks,
}

/** Every check, for those who run them in a way of their own. */
export const contractChecks: readonly ContractCheck[] = Object.entries(groups).flatMap(([group, checks]) =>
  Object.entries(checks).map(([name, check]) => ({
    group,
    name,
    run: async (open: OpenStores) => {
      const { stores, close } = await open()
      try {
        await check({ store: stores[0], other: stores.at(-1) ?? stores[0], all: stores })
      } finally {
        await close()
      }
    },
  })),
)

/**
 * Declares the whole contract to a test runner. Open two or more stores on the same data, each with connections
 * of its own, where the backend is shared: races are then run across them.
 */
export function storeContract({ describe, it }: ContractRunner, open: OpenStores): void {
  for (const group of Object.keys(groups)) {
    describe(group, () => {
      for (const check of contractChecks) if (check.group === group) it(check.name, () => check.run(open))
    })
  }
}
