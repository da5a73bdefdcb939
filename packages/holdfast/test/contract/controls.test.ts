import { AssertionError } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { contractChecks, type OpenStores } from '../../src/testing/index.ts'
import { brokenCompanions } from './controls/broken-companions.ts'
import { brokenStores } from './controls/broken-stores.ts'

function opening(store: Store): OpenStores {
  return () => ({ stores: [store], close: () => undefined })
}

describe('the contract finds', () => {
  for (const { mistake, group, check, open } of [...brokenStores, ...brokenCompanions]) {
    it(`${mistake}, by "${check}"`, async () => {
      const found = contractChecks.find((each) => each.group === group && each.name === check)
      expect(found, 'the contract has this check').toBeDefined()
      await expect(found?.run(opening(open()))).rejects.toThrow(AssertionError)
      await expect(found?.run(opening({ ...memoryStore() }))).resolves.toBeUndefined()
    })
  }

  it('a rejected promise and a thrown error alike, and closes the stores after either', async () => {
    let closed = 0
    for (const insert of [
      () => Promise.reject(new Error('down')),
      () => {
        throw new Error('down')
      },
    ]) {
      const [check] = contractChecks
      const stores: OpenStores = () => ({
        stores: [{ ...memoryStore(), insert }],
        close: () => {
          closed += 1
        },
      })
      await expect(check?.run(stores)).rejects.toThrow('down')
    }
    expect(closed).toBe(2)
  })
})
