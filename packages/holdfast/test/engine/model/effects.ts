/** What the calls of the model owe once they are acknowledged, and what may have happened when they failed. */
import { expect } from 'vitest'
import { HoldfastError } from '../../../src/engine/errors.ts'
import { minute, must, outcomeOf } from '../support/start.ts'
import { type Begun, cap, learn, type Node, rawRecord, type Tracked, tokensOf, track, type World } from './world.ts'

export const idles = {
  signedIn: 30 * minute,
  remembered: 14 * 24 * 60 * minute,
  anonymous: 10 * minute,
  tokens: 7 * 24 * 60 * minute,
} as const

export const pick = <T>(items: readonly T[], at: number): T | undefined => items[items.length === 0 ? 0 : at % items.length]
export const nodeAt = (world: World, at: number): Node => must(pick(world.nodes, at))

/** The value, or `undefined` for a fault, which must be the one kind that a store can cause (I7). */
export async function attempt<T>(call: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await call() }
  } catch (fault) {
    if (!(fault instanceof HoldfastError)) throw fault
    expect(fault.code, 'I7').toBe('store-unavailable')
    return undefined
  }
}

async function liveRecords(world: World, subject: string) {
  const { items } = await world.raw.list({ subject, liveAt: world.clock.now(), limit: 100 })
  return items
}

/** A failed sign-in may have evicted, and may yet: nothing is owed to the subject's sessions. */
function doubt(world: World, subject: string | null): void {
  for (const session of world.sessions) if (session.subject === subject) session.doubtful = true
}

function kill(world: World, ids: readonly string[]): void {
  for (const session of world.sessions) if (ids.includes(session.id)) session.killed = true
}

export async function signIn(
  world: World,
  node: Node,
  subject: string,
  call: () => Promise<Begun | undefined>,
  idle: number,
  gone?: Tracked,
): Promise<void> {
  const before = (await liveRecords(world, subject)).filter(({ id }) => id !== gone?.id)
  const done = await attempt(call)
  if (done === undefined) {
    doubt(world, subject)
    if (gone !== undefined) await doubtOne(world, node, gone)
    return
  }
  if (done.value === undefined) return
  const surplus = Math.max(0, before.length + 1 - cap)
  kill(
    world,
    before.slice(before.length - surplus).map(({ id }) => id),
  )
  if (gone !== undefined) gone.killed = true
  track(world, node, done.value, idle)
  expect((await liveRecords(world, subject)).length, 'I9: the cap holds').toBeLessThanOrEqual(cap)
}

export async function doubtOne(world: World, node: Node, session: Tracked): Promise<void> {
  session.doubtful = true
  await learn(world, session)
  // Where a call to end it failed it counts as ended: the node says so itself.
  const probe = tokensOf(world, session).find(({ state }) => state === 'current')
  node.failing.looking = true
  if (probe !== undefined && /^(promoted|replaced)$/.test(outcomeOf(await node.started.engine.verify(probe.text))))
    session.killedOn.add(node)
  node.failing.looking = false
}

export async function isLive(world: World, session: Tracked): Promise<boolean> {
  const record = await rawRecord(world, session)
  const now = world.clock.now()
  return record !== undefined && record.revokedAt === null && now < record.idleExpiresAt && now < record.absoluteExpiresAt
}

/** Acknowledged: dead everywhere. Failed: dead on this node, and owed to nobody. Returns whether it failed. */
export async function revokeThese(
  world: World,
  node: Node,
  meant: readonly Tracked[],
  call: (started: Node['started']) => Promise<unknown>,
): Promise<boolean> {
  if ((await attempt(() => call(node.started))) !== undefined) {
    for (const session of meant) if ((await rawRecord(world, session)) !== undefined) session.killed = true
    return false
  }
  for (const session of meant) {
    session.doubtful = true
    session.killedOn.add(node)
  }
  return true
}

export async function learnAll(world: World, subject: string | null, except?: string): Promise<void> {
  for (const session of world.sessions) {
    if ((subject ?? session.subject) === session.subject && session.id !== except) await learn(world, session)
  }
}

/** It may have landed all the same, and then it ended whatever was there; it is repeated for what was there by then. */
export function failedToEnd(world: World, subject: string | null, at: number): void {
  world.unrecorded.push({ subject, at })
  for (const session of world.sessions) if ((subject ?? session.subject) === session.subject) session.doubtful = true
}

/** What a failed revocation of a subject or of everyone means: what was there when it was asked for. */
export function issuedByNow(world: World, subject: string | null, except?: string): Tracked[] {
  const now = world.clock.now()
  return world.sessions.filter(
    (session) => (subject ?? session.subject) === session.subject && session.id !== except && session.createdAt <= now,
  )
}
