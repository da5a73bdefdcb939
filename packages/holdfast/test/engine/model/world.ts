/** What the model knows: two nodes on one store, every session that was handed out, and what is owed to its holder. */
import { createHash } from 'node:crypto'
import type { Issued } from '../../../src/engine/session.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { SessionRecord, Store } from '../../../src/store/store.ts'
import { type FakeClock, fakeClock } from '../../../src/testing/index.ts'
import { must, newerSecret, type Started, secret, start } from '../support/start.ts'
import { type FailingStore, failingStore, type RemoteFeed, remoteFeed, wrapStore } from '../support/stores.ts'
import type { Family } from './families.ts'

export const cap = 3
export const keyRings = [[secret], [newerSecret, secret], [newerSecret]] as const

export interface Node {
  started: Started
  readonly failing: FailingStore
  readonly feed: RemoteFeed
  keys: readonly string[]
}

export interface Held {
  readonly text: string
  readonly session: Tracked
  readonly signedWith: string
  readonly digest: string
  /** `old` once another secret took its place; a number: until when it is still good without new rights. */
  state: 'current' | 'old' | number
  /** Until when this secret carries a step-up. */
  readonly elevatedUntil: number
}

export interface Tracked {
  readonly id: string
  readonly subject: string | null
  readonly createdAt: number
  readonly absolute: number
  readonly idle: number
  /** Latest instant at which it was in use: no check may find it live an idle limit after that. */
  lastUse: number
  /** A call that ended it was acknowledged: dead on every node. */
  killed: boolean
  /** Nodes on which a call to end it failed: dead there. */
  readonly killedOn: Set<Node>
  /** A call failed that may have ended it, or may yet: nobody is owed that it lives. */
  doubtful: boolean
  updates: number
  lastSeen: SessionRecord | undefined
}

export interface World {
  readonly raw: Store
  readonly clock: FakeClock
  readonly nodes: readonly Node[]
  readonly sessions: Tracked[]
  readonly tokens: Held[]
  readonly families: Family[]
  /** The latest wall time there was: what ended by then may have been swept. */
  latest: number
  /** Revocations that failed; those of the same or a later instant, by a clock that went back, mean newer sessions too. */
  readonly unrecorded: { readonly subject: string | null; readonly at: number }[]
  /** An everyone-out could not be recorded: repeated later, it ends whoever is signed in by then. */
  everyoneOutWaits: boolean
  restarts: number
}

export type Timing = 'at once' | 'later'

function startNode(raw: Store, clock: FakeClock, timing: Timing, seed: number): Node {
  const feed = remoteFeed(raw.changes)
  const timed = timing === 'at once' ? raw : wrapStore(raw, (_, run) => Promise.resolve().then(run) as ReturnType<typeof run>)
  const failing = failingStore(wrapStore(timed, (_, run) => run(), feed))
  const keys = keyRings[0]
  return { started: startEngine(failing, clock, keys, seed), failing, feed, keys }
}

/** Node seeds are apart, so that no two engines draw the same randomness. */
export function startEngine(failing: FailingStore, clock: FakeClock, keys: readonly string[], seed: number): Started {
  return start({
    store: failing.store,
    clock,
    secret: keys,
    seed,
    sessionsPerSubject: { max: cap },
    // Asked at each check, so that a change on the other node is known here at once.
    maxStaleness: 0,
    rememberedChecks: 8,
  })
}

export function newWorld(timing: Timing): World {
  const raw = memoryStore()
  const clock = fakeClock()
  const nodes = [startNode(raw, clock, timing, 1), startNode(raw, clock, timing, 2)]
  return {
    raw,
    clock,
    nodes,
    sessions: [],
    tokens: [],
    families: [],
    latest: clock.now(),
    unrecorded: [],
    everyoneOutWaits: false,
    restarts: 0,
  }
}

/** The record as it is, whatever the nodes' ways to the store do. */
export async function rawRecord(world: World, { id }: Pick<Tracked, 'id'>): Promise<SessionRecord | undefined> {
  return world.raw.get(id)
}

export function digestOf(token: string): string {
  const bytes = Buffer.from(token.slice(token.indexOf('_') + 1), 'base64url')
  return createHash('sha256').update(bytes.subarray(30, 62)).digest('base64url')
}

/** What was handed out for a session: its secret, unless access and refresh tokens carry it. */
export type Begun = Pick<Issued, 'session'> & { readonly token?: string }

/** Notes a session that was just handed out. */
export function track(world: World, node: Node, { session, token }: Begun, idle: number): Tracked {
  const tracked: Tracked = {
    id: session.id,
    subject: session.subject,
    createdAt: session.createdAt,
    absolute: session.absoluteExpiresAt,
    idle,
    lastUse: session.createdAt,
    killed: false,
    killedOn: new Set(),
    doubtful: world.unrecorded.some(
      ({ subject, at }) => session.createdAt <= at && (subject ?? session.subject) === session.subject,
    ),
    updates: Number(session.attributes.updates ?? 0),
    lastSeen: undefined,
  }
  world.sessions.push(tracked)
  if (token !== undefined) hold(world, node, tracked, token, 0)
  return tracked
}

/** Notes a secret that was handed out for a session; the ones before it have already been told what they are. */
export function hold(world: World, node: Node, session: Tracked, text: string, elevatedUntil: number): void {
  const signedWith = must(node.keys[0])
  world.tokens.push({ text, session, signedWith, digest: digestOf(text), state: 'current', elevatedUntil })
}

export function tokensOf(world: World, session: Tracked): Held[] {
  return world.tokens.filter((token) => token.session === session)
}

/** After a call whose effect is not known, the record says which secret is which. */
export async function learn(world: World, session: Tracked): Promise<void> {
  const record = await rawRecord(world, session)
  if (record === undefined) return
  for (const token of tokensOf(world, session)) {
    if (token.digest === record.digest) token.state = 'current'
    else token.state = token.digest === record.previous?.digest ? record.previous.until : 'old'
  }
  session.updates = Number(record.attributes.updates ?? 0)
  if (record.revokedAt !== null) session.killed = true
}
