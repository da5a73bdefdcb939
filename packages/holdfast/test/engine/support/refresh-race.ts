/** Refreshes of one token at once, and a replay, on two nodes over one store and on a node that starts later. */
import { expect, it } from 'vitest'
import type { SessionStore } from '../../../src/store/store.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { firefox, outcomeOf, second, start } from './start.ts'

export interface SharedData {
  /** Another store on the same data, as another node has it. */
  open(): Promise<SessionStore>
  /** Closes every store that was opened. */
  close(): Promise<void>
}

const grace = 30 * second
const atOnce = 64

/** Nodes with tokens that one of them issued. The clock starts now, so that no store takes the records for old. */
async function racing(data: SharedData) {
  const clock = fakeClock(Date.now())
  let seed = 0
  const node = async () => {
    seed += 1
    return start({ store: await data.open(), clock, seed })
  }
  const nodes = [await node(), await node()] as const
  const issued = await nodes[0].engine.issueTokens({ subject: 'alice', context: firefox })
  return { clock, node, nodes, issued, first: issued.refreshToken }
}

export function refreshRaces(share: () => Promise<SharedData>): void {
  const on = async (run: (raced: Awaited<ReturnType<typeof racing>>) => Promise<void>) => {
    const data = await share()
    try {
      await run(await racing(data))
    } finally {
      await data.close()
    }
  }

  it(`${atOnce} refreshes of one token on two nodes: one rotates, the others get the same successor, the family lives`, () =>
    on(async ({ nodes, first }) => {
      const asked = Array.from({ length: atOnce }, (_, at) => nodes[at % 2 === 0 ? 0 : 1].engine.refresh(first, firefox))
      const answers = await Promise.all(asked)
      const live = answers.flatMap((verdict) => (verdict.status === 'live' ? [verdict] : []))
      expect(live).toHaveLength(atOnce)
      const [successor = '', ...others] = new Set(live.map(({ refreshToken }) => refreshToken))
      expect(others).toEqual([])
      const told = nodes.flatMap((node) => node.told())
      expect(told.filter((kind) => kind === 'session_renewed')).toHaveLength(1)
      expect(told.filter((kind) => kind === 'session_refresh_repeated')).toHaveLength(atOnce - 1)
      for (const { engine } of nodes) {
        for (const { accessToken } of [live[0], live.at(-1)] as typeof live)
          expect(outcomeOf(await engine.verify(accessToken, firefox, { fresh: true }))).toBe('live')
      }
      expect((await nodes[1].engine.refresh(successor, firefox)).status).toBe('live')
    }))

  it('a replay after the grace window ends the family, on every node and on one that starts later', () =>
    on(async ({ nodes, node, first, issued, clock }) => {
      const renewed = await nodes[1].engine.refresh(first, firefox)
      if (renewed.status !== 'live') throw new TypeError(`expected to be refreshed: ${JSON.stringify(renewed)}`)
      clock.advance(grace)
      const thieves = await Promise.all(nodes.map(({ engine }) => engine.refresh(first, firefox)))
      expect(thieves).toEqual(nodes.map(() => ({ status: 'dead', reason: 'reuse' })))
      for (const { engine } of [...nodes, await node()]) {
        expect(await engine.refresh(renewed.refreshToken, firefox)).toEqual({ status: 'dead', reason: 'reuse' })
        for (const { accessToken } of [issued, renewed])
          expect(outcomeOf(await engine.verify(accessToken, firefox, { fresh: true }))).toBe('reuse')
      }
    }))
}
