/** Any order of calls, time, faults and restarts keeps the invariants. `HOLDFAST_RUNS` sets how many orders are tried. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { commands } from './model/commands.ts'
import { checkInvariants, checkWhatWasSaid } from './model/invariants.ts'
import { type Step, steps } from './model/steps.ts'
import { newWorld, type Timing, type World } from './model/world.ts'
import { minute } from './support/start.ts'

const runs = Number(process.env.HOLDFAST_RUNS ?? 300)

async function closeAll(world: World): Promise<void> {
  for (const { started, failing } of world.nodes) {
    failing.recover()
    await started.engine.close()
  }
}

describe('the engine model', () => {
  it.each<Timing>(['at once', 'later'])(
    'keeps its invariants on a store that answers %s',
    async (timing) => {
      await fc.assert(
        fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (list) => {
          const world = newWorld(timing)
          await fc.asyncModelRun(() => ({ model: {}, real: world }), list)
          await closeAll(world)
          checkWhatWasSaid(world)
        }),
        {
          numRuns: Math.ceil(runs / 2),
          ...(process.env.HOLDFAST_SEED === undefined ? {} : { seed: Number(process.env.HOLDFAST_SEED) }),
        },
      )
    },
    Math.max(30_000, runs * 200),
  )
})

/** Orders of calls in which an invariant once broke, each in its smallest form. */
const found: Record<string, () => Step[]> = {
  'everyone-out fails twice, the second time with the clock set back': () => [
    steps.fault(0, 1, 'before', 8),
    steps.issue(1, 'alice', false, undefined),
    steps.revokeAll(0),
    steps.jump(-1),
    steps.revokeAll(0),
  ],
  'a new secret after a step-up has decayed, then the clock is set back': () => [
    steps.issue(0, 'alice', false, undefined),
    steps.renew(0, 0, true),
    steps.pass(10 * minute),
    steps.renew(0, 0, false),
    steps.jump(-1),
  ],
  'a sign-in replaces a session that was to be revoked': () => [
    steps.issue(0, 'bob', false, undefined),
    steps.issue(1, 'bob', false, undefined),
    steps.fault(0, 1, 'before', 0),
    steps.revokeAll(0),
    steps.issue(0, 'bob', false, undefined),
    steps.issue(0, 'bob', false, 0),
  ],
  'a promotion fails at its first call, and the visitor expires and comes back with the clock': () => [
    steps.anonymous(0),
    steps.fault(1, 1, 'before', 0),
    steps.promote(1, 0, 'alice'),
    steps.jump(10 * minute),
    steps.promote(0, 0, 'alice'),
    steps.jump(-1),
  ],
}

describe.each(Object.entries(found))('the engine, when %s,', (_, make) => {
  it.each<Timing>(['at once', 'later'])('keeps its invariants on a store that answers %s', async (timing) => {
    const world = newWorld(timing)
    for (const step of make()) {
      await step(world)
      await checkInvariants(world)
    }
    await closeAll(world)
    checkWhatWasSaid(world)
  })
})
