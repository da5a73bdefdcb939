/**
 * Sessions that access and refresh tokens carry: what was handed out for each, and what that must be good for. A salt
 * says of which grant a token is: a new secret for the session cuts off all that came before.
 */
import type { RefreshVerdict, Verdict } from '../../../src/engine/session.ts'
import type { SessionRecord } from '../../../src/store/store.ts'
import { minute, must, outcomeOf, second } from '../support/start.ts'
import { digestOf, type Node, rawRecord, type Tracked, type World } from './world.ts'

const grace = 30 * second

interface Handed {
  readonly text: string
  readonly signedWith: string
  readonly salt: string
  /** A new secret for the session was acknowledged since. */
  isCut?: true
}

export interface RefreshHeld extends Handed {
  readonly digest: string
  /** When a successor took its place, as far as that is known. */
  spentAt?: number
}

export interface AccessHeld extends Handed {
  /** Good until the one, dead from the other on: where its expiry was not told, jitter is between them. */
  readonly goodUntil: number
  readonly deadFrom: number
  readonly elevatedUntil: number
}

export interface Family {
  readonly session: Tracked
  /** In the order in which they were handed out. */
  readonly chain: RefreshHeld[]
  readonly access: AccessHeld[]
}

/** An `expect` of its own: these run a million times. */
function holds(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`broken: ${promise}`)
}

interface Tokens {
  readonly accessToken: string
  readonly accessExpiresAt?: number
  readonly refreshToken?: string | undefined
  readonly elevatedUntil?: number
}

/** Notes what was handed out; a repetition hands out the same refresh token again. */
export async function handOut(world: World, node: Node, family: Family, tokens: Tokens): Promise<void> {
  const signedWith = must(node.keys[0])
  const salt = must((await rawRecord(world, family.session))?.grant?.salt)
  const { accessToken, accessExpiresAt, refreshToken, elevatedUntil = 0 } = tokens
  const latest = world.clock.now() + 15 * minute
  const bounds = { goodUntil: accessExpiresAt ?? latest - minute, deadFrom: accessExpiresAt ?? latest }
  family.access.push({ text: accessToken, ...bounds, elevatedUntil, signedWith, salt })
  if (refreshToken === undefined || family.chain.some(({ text }) => text === refreshToken)) return
  family.chain.push({ text: refreshToken, digest: digestOf(refreshToken), signedWith, salt })
}

function isOver(record: SessionRecord, now: number): boolean {
  return record.revokedAt !== null || now >= record.idleExpiresAt || now >= record.absoluteExpiresAt
}

/** Nothing stands against the session here: whoever holds what is good now is owed an answer. */
function isOwed(world: World, node: Node, session: Tracked, record: SessionRecord | undefined): boolean {
  if (session.killed || session.doubtful || session.killedOn.has(node) || world.everyoneOutWaits) return false
  return record !== undefined && !isOver(record, world.clock.now())
}

/** What an exchange of a refresh token answered, beside the record before and after. */
export interface Exchanged {
  readonly token: RefreshHeld
  readonly before: SessionRecord | undefined
  readonly after: SessionRecord | undefined
  readonly verdict: RefreshVerdict
}

export async function noteExchange(world: World, node: Node, family: Family, exchanged: Exchanged): Promise<void> {
  const { token, before, after, verdict } = exchanged
  const { session } = family
  const wasCurrent = before?.digest === token.digest
  if (wasCurrent && after !== undefined && after.digest !== token.digest) token.spentAt = must(after.rotatedAt)
  if (verdict.status === 'unknown') {
    // An alarm may have ended the session, or may yet.
    session.doubtful = true
    return
  }
  if (verdict.status === 'dead') return noteRefusal(world, node, family, exchanged)
  const now = world.clock.now()
  holds(!session.killed && !session.killedOn.has(node), 'I1: no exchange after the end')
  holds(before !== undefined && !isOver(before, now), 'I2: no exchange after a limit')
  holds(node.keys.includes(token.signedWith), 'a key no longer listed verifies nothing')
  holds(token.isCut === undefined && token.salt === before?.grant?.salt, 'a new secret cuts off the tokens before it')
  holds(wasCurrent || token.spentAt === undefined || now < token.spentAt + grace, 'a spent token is good for the window only')
  holds(digestOf(verdict.refreshToken) === after?.digest, 'I3: the one live leaf is handed out')
  holds(verdict.session.id === session.id && verdict.session.subject === session.subject, 'I5')
  holds(verdict.session.elevatedUntil === null, 'I4: an exchange raises nothing')
  session.lastUse = Math.max(session.lastUse, now)
  await handOut(world, node, family, verdict)
}

function noteRefusal(world: World, node: Node, { session }: Family, { token, before, verdict }: Exchanged): void {
  const reason = verdict.status === 'dead' ? verdict.reason : ''
  const isListed = node.keys.includes(token.signedWith)
  const isCurrent = before?.digest === token.digest
  holds(!(isCurrent && isListed && isOwed(world, node, session, before)), `its holder is owed an exchange: ${reason}`)
  // Of a family that ended so before, every answer says so.
  if (reason !== 'reuse' || before === undefined || isOver(before, world.clock.now())) return
  const isRecent = token.spentAt !== undefined && world.clock.now() < token.spentAt + grace
  holds(!isCurrent, 'what is good now is no sign of theft')
  holds(!isRecent || token.salt !== before.grant?.salt, 'an honest repetition is no sign of theft')
  session.killed = true
}

/** The latest tokens of the latest families, on every node. */
export async function checkFamilies(world: World): Promise<void> {
  for (const family of world.families.slice(-3)) {
    const record = await rawRecord(world, family.session)
    for (const node of world.nodes) {
      const { engine } = node.started
      for (const token of family.access.slice(-4)) {
        checkAccess(world, { node, family, token, record }, await engine.verify(token.text))
        checkAccess(world, { node, family, token, record }, await engine.verify(token.text, undefined, { fresh: true }))
      }
      for (const { text } of family.chain.slice(-1)) {
        holds(outcomeOf(await engine.verify(text)) === 'invalid', 'a refresh token opens nothing')
      }
    }
  }
}

interface Looked {
  readonly node: Node
  readonly family: Family
  readonly token: AccessHeld
  readonly record: SessionRecord | undefined
}

function checkAccess(world: World, { node, family: { session }, token, record }: Looked, verdict: Verdict): void {
  const now = world.clock.now()
  const isGood = node.keys.includes(token.signedWith) && token.salt === record?.grant?.salt
  if (verdict.status !== 'live') {
    // Also the token of a step-up that another one replaced: it keeps no rights, and stays good.
    const isOwing = isGood && now < token.goodUntil && isOwed(world, node, session, record)
    holds(!isOwing, `its holder is owed this access: ${outcomeOf(verdict)}`)
    return
  }
  holds(
    isGood && token.isCut === undefined && now < token.deadFrom,
    'an access token is good until it expires or its grant is cut',
  )
  holds(!session.killed && !session.killedOn.has(node), 'I1: access ends with its session')
  holds(now < session.absolute && now < session.lastUse + session.idle, 'I2')
  holds(verdict.session.id === session.id && verdict.session.subject === session.subject, 'I5')
  const { elevatedUntil } = verdict.session
  holds(elevatedUntil === null || (elevatedUntil === token.elevatedUntil && now < elevatedUntil), 'I4')
  session.lastUse = Math.max(session.lastUse, now)
}
