/** Three real nodes on one store under load, with faults: no acknowledged revocation is unseen beyond the bound. */
import { expect, it, type TestContext } from 'vitest'
import { type RunReport, runHistory } from './run.ts'
import { type StoreName, scenarios } from './scenarios/index.ts'
import type { Scenario } from './scenarios/scenario.ts'

const seed = 1
const calm = 250
/** Each fault takes some four seconds, and twice that on a busy machine. */
const twoMinutesMore = { timeout: 240_000 } as const
const oneWinner = { live: 5, taken: 1, promoted: 1, successors: 1 }

function tell(what: string, { operations, faults, remembered, violations }: RunReport): void {
  const sums = `${operations} operations, ${remembered} checks answered from memory, ${violations.length} violations`
  console.log(`${what}: ${sums}; ${faults.length} faults: ${faults.join(', ')}`)
}

/** The servers of a scenario for one test, stopped when it ends, also where it takes too long. */
async function open(store: StoreName, onTestFinished: TestContext['onTestFinished']): Promise<Scenario> {
  const scenario = await scenarios[store]()
  onTestFinished(() => scenario.stop())
  return scenario
}

// The other stores, and the other faults, take longer than every run of the tests should: `npm run history` is for them.
it.for([
  ['redis', undefined],
  ['sentinel', 1],
] as const)('keeps its promises through the faults of %s', twoMinutesMore, async ([store, most], { signal, onTestFinished }) => {
  const { backends, faults } = await open(store, onTestFinished)
  const report = await runHistory({ backends, faults: faults.slice(0, most), seed, calm, signal })
  tell(store, report)
  expect(report.violations).toEqual([])
  expect(report.unsettled).toEqual([])
  expect(report.remembered).toBeGreaterThan(0)
  expect(report.counts.revoke).toBeGreaterThan(0)
  expect(report.contests).toEqual(oneWinner)
})

it.for(['feed', 'bound'] as const)('finds a node that does without its %s', async (without, { signal, onTestFinished }) => {
  const { backends } = await open('redis', onTestFinished)
  const report = await runHistory({ backends, faults: [], seed, calm: 2000, without, signal })
  tell(`without ${without}`, report)
  expect(report.violations.length).toBeGreaterThan(0)
  expect(new Set(report.violations.map(({ node }) => node))).toEqual(new Set([1]))
})

// Where the busy machine left no revocation acknowledged in time there was nothing to find: then once more.
it('finds nodes that assert nothing again after a failover', { retry: 2 }, async ({ signal, onTestFinished }) => {
  const { backends, faults } = await open('sentinel', onTestFinished)
  const options = { backends, faults: faults.slice(0, 1), seed, calm, signal }
  const report = await runHistory({ ...options, without: 'reassertion', patience: 2000 })
  tell('without reassertion', report)
  expect(report.unsettled).toHaveLength(1)
})

it('ends with its nodes when it is given up', async ({ onTestFinished }) => {
  const { backends } = await open('redis', onTestFinished)
  const given = new AbortController()
  const fault = { what: 'never over', run: async () => given.abort() }
  await expect(runHistory({ backends, faults: [fault, fault], seed, calm: 100, signal: given.signal })).rejects.toThrow('abort')
})
