/**
 * `npm run history -- --store redis --seconds 60 --seed 1`: a history as long as you like. `--without feed` takes a
 * defence out, and must end badly; `--only clock` leaves the faults that say so in their names. Exit code 1: a promise was broken, or the nodes did not recover.
 */
import { parseArgs } from 'node:util'
import { defences } from './order.ts'
import { seeded } from './random.ts'
import { type Fault, runHistory } from './run.ts'
import { type StoreName, scenarios } from './scenarios/index.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    store: { type: 'string', default: 'redis' },
    without: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const seconds = Number(values.seconds)
const seed = Number(values.seed)
const stores = Object.keys(scenarios) as StoreName[]
const store = stores.find((name) => name === values.store)
const without = defences.find((name) => name === values.without)
if (!(seconds >= 1 && seconds <= 86_400) || !Number.isInteger(seed) || store === undefined || without !== values.without) {
  console.error(`--seconds takes 1 to 86400, --seed an integer, --store one of ${stores.join(', ')}`)
  console.error(`--without, if given, one of ${defences.join(', ')}`)
  process.exit(1)
}

const { backends, faults: all, stop } = await scenarios[store]()
const faults = all.filter(({ what }) => what.includes(values.only))
if (faults.length === 0) {
  console.error(`--only takes a part of one of: ${all.map(({ what }) => what).join('; ')}`)
  await stop()
  process.exit(1)
}
const random = seeded(seed)
const until = performance.now() + seconds * 1000

/** All of them, in the order of the list and then in others, until the time is up. */
function* untilTheEnd(): Generator<Fault> {
  let round = [...faults]
  do {
    yield* round
    round = faults
      .map((fault) => ({ fault, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ fault }) => fault)
  } while (performance.now() < until)
}

try {
  const report = await runHistory({ backends, faults: untilTheEnd(), seed, calm: 500, without })
  const happened = Object.fromEntries(
    [...new Set(report.faults)].map((what) => [what, report.faults.filter((each) => each === what).length]),
  )
  console.log(JSON.stringify({ store, seed, without, ...report, faults: happened }, null, 2))
  process.exitCode = report.violations.length + report.unsettled.length > 0 ? 1 : 0
} finally {
  await stop()
}
