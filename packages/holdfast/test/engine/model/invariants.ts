/**
 * The invariants of every harness, as far as they apply to the engine alone, checked after each command:
 * I1 nothing is live after an acknowledged revocation; nor here, after one that could not be recorded
 * I2 nothing is live after either limit
 * I3 at most one refresh token of a family is good: `families.ts`
 * I4 assurance never rises without proof
 * I5 a token is one session's and one subject's for all time
 * I7 an error is never "live"
 * I9 what is kept is bounded (the cap of sessions is checked where they are issued)
 * I10 no secret in any output
 * and, because a service that refuses everyone keeps all of these: who is owed a session has it.
 * I6 (counters) and I8 (audit chain) are held elsewhere; of I8 the end of each session is checked to have been told once.
 */
import { expect } from 'vitest'
import type { Verdict } from '../../../src/engine/session.ts'
import { outcomeOf } from '../support/start.ts'
import { checkFamilies } from './families.ts'
import { type Held, type Node, rawRecord, type Tracked, type World } from './world.ts'

const revokedReasons = /^(logout|admin|evicted|replaced|promoted|credential-change|everyone-out|reuse)$/
const notLive = /^(superseded|not-found|invalid|idle-timeout|absolute-timeout)$/

export async function checkInvariants(world: World): Promise<void> {
  world.latest = Math.max(world.latest, world.clock.now())
  for (const node of world.nodes) node.failing.looking = true
  for (const session of world.sessions) await checkRecord(world, session)
  for (const token of world.tokens.slice(-10)) {
    for (const node of world.nodes) await checkToken(world, node, token)
  }
  await checkFamilies(world)
  for (const node of world.nodes) node.failing.looking = false
}

/** An `expect` of its own: these run a million times. */
function holds(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`broken: ${promise}`)
}

/** The store's side: an ended session stays ended, and none ends or goes for no reason. */
async function checkRecord(world: World, session: Tracked): Promise<void> {
  const record = await rawRecord(world, session)
  const before = session.lastSeen
  session.lastSeen = record
  if (record === undefined) {
    if (before === undefined) return
    const endedBy = Math.min(before.idleExpiresAt, before.absoluteExpiresAt)
    holds(mayHaveEnded(world, session) || endedBy <= world.latest, 'only what has ended is deleted')
    return
  }
  holds(record.absoluteExpiresAt === session.absolute, 'I2: the absolute limit never moves')
  holds(record.idleExpiresAt <= session.absolute, 'I2: the idle limit stays within it')
  if (record.revokedAt === null) {
    holds(!session.killed, 'I1: an acknowledged end is recorded, and is not undone')
    return
  }
  holds(mayHaveEnded(world, session), `nobody ended this session: ${record.reason}`)
  session.killed = true
}

/** A call was made that ended it, or may have. */
function mayHaveEnded(world: World, session: Tracked): boolean {
  return session.killed || session.doubtful || session.killedOn.size > 0 || world.everyoneOutWaits
}

async function checkToken(world: World, node: Node, token: Held): Promise<void> {
  const { engine } = node.started
  const remembered = await engine.verify(token.text)
  const fresh = await engine.verify(token.text, undefined, { fresh: true })
  for (const verdict of [remembered, fresh]) checkVerdict(world, node, token, verdict)
  const [known, asked] = [outcomeOf(remembered), outcomeOf(fresh)]
  holds(known === asked || !verdictsMustAgree(world, token), `remembered ${known}, fresh ${asked}`)
}

/** A sighting that is not written yet is known to one node only: then it may be live here, and over in the store. */
function verdictsMustAgree(world: World, { session }: Held): boolean {
  const stored = session.lastSeen
  return stored === undefined || world.clock.now() < stored.idleExpiresAt
}

function checkVerdict(world: World, node: Node, token: Held, verdict: Verdict): void {
  const now = world.clock.now()
  const { session } = token
  if (verdict.status !== 'live') {
    holds(reasonsFor(session).test(outcomeOf(verdict)), `dead for a reason, and known: ${outcomeOf(verdict)}`)
    holds(!isOwed(world, node, token), `its holder is owed this session: ${outcomeOf(verdict)}`)
    return
  }
  const shown = verdict.session
  holds(!session.killed, 'I1: dead after an acknowledged revocation')
  holds(!session.killedOn.has(node), 'I1: unrecorded, but dead here')
  holds(now < session.absolute, 'I2: absolute')
  holds(now < session.lastUse + session.idle, 'I2: idle')
  holds(token.state === 'current' || (token.state !== 'old' && now < token.state), 'a replaced secret is dead')
  holds(node.keys.includes(token.signedWith), 'a key no longer listed verifies nothing')
  holds(shown.id === session.id && shown.subject === session.subject, 'I5')
  holds((shown.attributes.updates ?? 0) === session.updates, 'every acknowledged update is seen, and no other')
  const mayBeElevated = token.state === 'current' && now < token.elevatedUntil
  const elevated = shown.elevatedUntil !== null
  holds(shown.amr.includes('otp') === elevated, 'I4: methods and step-up go together')
  // What was remembered as decayed stays so when the clock goes back: less than owed, never more.
  holds(now < world.latest ? !elevated || mayBeElevated : elevated === mayBeElevated, 'I4')
  session.lastUse = Math.max(session.lastUse, now)
}

function reasonsFor(session: Tracked): RegExp {
  return session.killed || session.doubtful || session.killedOn.size > 0 ? /./ : notLive
}

/** Whether nothing stands against this token: the secret is current, the session neither ended nor over. */
function isOwed(world: World, node: Node, token: Held): boolean {
  const { session } = token
  const now = world.clock.now()
  const stored = session.lastSeen
  if (session.killed || session.doubtful || session.killedOn.has(node) || stored === undefined) return false
  if (!node.keys.includes(token.signedWith)) return false
  if (token.state !== 'current' && (token.state === 'old' || now >= token.state)) return false
  return now < Math.min(stored.idleExpiresAt, stored.absoluteExpiresAt)
}

/** At the end of a run: I10, and of I8 that the end of a session was told at most once, with its reason. */
export function checkWhatWasSaid(world: World): void {
  const handed = world.families.flatMap(({ chain, access }) => [...chain, ...access])
  const secrets = [
    ...world.tokens.flatMap(({ text, digest }) => [text, text.slice(-64, -24), digest]),
    ...handed.flatMap(({ text }) => [text, text.slice(-64, -24)]),
  ]
  const ends = new Map<string, number>()
  for (const { started } of world.nodes) {
    const faults = started.faults.map(({ fault, doing }) => `${doing}: ${fault instanceof Error ? fault.stack : String(fault)}`)
    const said = `${JSON.stringify(started.events)}${faults.join('\n')}`
    for (const text of secrets) expect(said.includes(text), 'I10').toBe(false)
    for (const { kind, session, reason } of started.events) {
      if (kind !== 'session_revoked' && kind !== 'session_evicted') continue
      expect(reason).toMatch(revokedReasons)
      ends.set(session ?? '', (ends.get(session ?? '') ?? 0) + 1)
    }
  }
  for (const [id, times] of ends) expect(times, `the end of ${id} is told once`).toBe(1)
}
