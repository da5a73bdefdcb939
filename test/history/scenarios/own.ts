/** What can happen to a node itself, whatever the store. */
import { setTimeout as pause } from 'node:timers/promises'
import { bound, type Fault } from '../run.ts'

/** Checks of the one that is halted, or whose clock is wrong, come from the others' revocations alone. */
const other = 1

const frozen: Fault = {
  what: 'a node halted while another revokes',
  async run(victim, nodes) {
    await victim.check(other)
    nodes[other]?.freeze()
    await victim.revoke()
    await pause(4 * bound)
    // Asked while it is halted and answered by what it finds when it goes on.
    const asked = victim.check(other)
    nodes[other]?.thaw()
    await asked
    await victim.check(other)
  },
}

/** In ms, and back to where it was. Less than the shortest limit of a session, which a clock that is wrong decides. */
const jumps = [-40, -200, 5000, -5000, 20_000, -20_000, 240]

const jumping: Fault = {
  what: 'a clock that jumps back and forth while another node revokes',
  async run(victim, nodes) {
    await victim.check(other)
    await victim.revoke()
    for (const by of jumps) {
      await nodes[other]?.ask({ do: 'setClock', by })
      await victim.check(other)
      await pause(bound / 3)
    }
    await victim.check(other)
  },
}

export const nodeFaults: readonly Fault[] = [frozen, jumping]
