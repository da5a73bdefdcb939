/** Three real nodes on one store under load, with faults: no acknowledged revocation is unseen beyond the bound. */
import { expect, it } from 'vitest'
import { type RunReport, runHistory } from './run.ts'
import { scenarios } from './scenarios/index.ts'

const seed = 1
const calm = 500
const oneWinner = { live: 5, taken: 1, promoted: 1, successors: 1 }

function tell(what: string, { operations, faults, remembered, violations }: RunReport): void {
  const sums = `${operations} operations, ${remembered} checks answered from memory, ${violations.length} violations`
  console.log(`${what}: ${sums}; ${faults.length} faults: ${faults.join(', ')}`)
}

// The other stores, and the other faults, take longer than every run of the tests should: `npm run history` is for them.
it.each([
  ['redis', undefined],
  ['sentinel', 1],
] as const)('keeps its promises through the faults of %s', async (store, most) => {
  const { backends, faults, stop } = await scenarios[store]()
  try {
    const report = await runHistory({ backends, faults: faults.slice(0, most), seed, calm })
    tell(store, report)
    expect(report.violations).toEqual([])
    expect(report.unsettled).toEqual([])
    expect(report.remembered).toBeGreaterThan(0)
    expect(report.counts.revoke).toBeGreaterThan(0)
    expect(report.contests).toEqual(oneWinner)
  } finally {
    await stop()
  }
})

it.each(['feed', 'bound'] as const)('finds a node that does without its %s', async (without) => {
  const { backends, stop } = await scenarios.redis()
  try {
    const report = await runHistory({ backends, faults: [], seed, calm: 2000, without })
    tell(`without ${without}`, report)
    expect(report.violations.length).toBeGreaterThan(0)
    expect(new Set(report.violations.map(({ node }) => node))).toEqual(new Set([1]))
  } finally {
    await stop()
  }
})

// Where the busy machine left no revocation acknowledged in time there was nothing to find: then once more.
it('finds nodes that assert nothing again after a failover', { retry: 2 }, async () => {
  const { backends, faults, stop } = await scenarios.sentinel()
  try {
    const report = await runHistory({ backends, faults: faults.slice(0, 1), seed, calm, without: 'reassertion', patience: 2000 })
    tell('without reassertion', report)
    expect(report.unsettled).toHaveLength(1)
  } finally {
    await stop()
  }
})
