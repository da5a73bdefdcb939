/** What may happen to sessions that access and refresh tokens carry, beside what happens to every session. */
import type { IssuedTokens } from '../../../src/engine/session.ts'
import { chrome, must } from '../support/start.ts'
import { attempt, idles, nodeAt, pick, signIn } from './effects.ts'
import { type Family, handOut, noteExchange } from './families.ts'
import { learn, type Node, rawRecord, type World } from './world.ts'

type Step = (world: World) => Promise<void>

/** A new secret cuts off every token of the family; a step-up is carried by one new access token alone. */
export async function renewFamily(world: World, node: Node, family: Family, stepUp: boolean): Promise<void> {
  const { session } = family
  const { engine } = node.started
  const done = await attempt(() => (stepUp ? engine.elevate(session.id, { amr: ['otp'] }) : engine.regenerate(session.id)))
  if (done === undefined) return learn(world, session)
  if (done.value === undefined) return
  if (!stepUp) for (const token of [...family.chain, ...family.access]) token.isCut = true
  const { token: accessToken, refreshToken, session: shown } = done.value
  await handOut(world, node, family, { accessToken, refreshToken, elevatedUntil: shown.elevatedUntil ?? 0 })
}

export const familySteps = {
  grant:
    (node: number, subject: string): Step =>
    async (world) => {
      const target = nodeAt(world, node)
      let issued: IssuedTokens | undefined
      const call = async () => {
        issued = await target.started.engine.issueTokens({ subject, amr: ['pwd'], context: chrome })
        return { session: issued.session }
      }
      await signIn(world, target, subject, call, idles.tokens)
      if (issued === undefined) return
      const family: Family = { session: must(world.sessions.at(-1)), chain: [], access: [] }
      world.families.push(family)
      await handOut(world, target, family, issued)
    },
  /** Presents the refresh token that was handed out so many before the last. */
  exchange:
    (node: number, at: number, back: number): Step =>
    async (world) => {
      const family = pick(world.families, at)
      const token = family?.chain.at(-1 - back) ?? family?.chain[0]
      if (family === undefined || token === undefined) return
      const target = nodeAt(world, node)
      const before = await rawRecord(world, family.session)
      const verdict = await target.started.engine.refresh(token.text)
      const after = await rawRecord(world, family.session)
      await noteExchange(world, target, family, { token, before, after, verdict })
    },
} as const
