/** What a store's author and an app's tests need: the contract suite, a clock, randomness and faults on demand. */
export { type FakeClock, fakeClock } from './clock.ts'
export type { StoreSet } from './contract/check.ts'
export { type ContractCheck, type ContractRunner, contractChecks, type OpenStores, storeContract } from './contract.ts'
export { type Fault, type FaultMode, type FaultyStore, faultyStore, type StoreCall } from './faulty.ts'
export { seededRandom } from './random.ts'
