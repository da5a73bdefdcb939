/** What the checks share: sample records, parallel callers, and the shape of a check. */
import { systemClock } from '../../engine/clock.ts'
import type { Attributes, Awaitable, ChangeFeed, Instant, SessionId, SessionRecord, Store } from '../../store/store.ts'

/** One or more stores on the same, at first empty data: parallel callers are spread over them. */
export interface StoreSet {
  readonly stores: readonly [Store, ...Store[]]
  /** Closes the stores and removes their data. */
  close(): Awaitable<void>
}

export interface Stage {
  /** The first store of the set. */
  readonly store: Store
  /** The last one: the same when there is only one. */
  readonly other: Store
  readonly all: readonly Store[]
}

export type Check = (stage: Stage) => Promise<void>
/** By the sentence that each proves. */
export type Checks = { readonly [sentence: string]: Check }

export const start: Instant = Date.UTC(2026, 0, 1)
export const minute = 60_000
export const callers = 64

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A valid id; like real ones, it begins with the same four characters for all of a subject's sessions. */
export function sampleId(number: number, subject: string | null = 'alice'): SessionId {
  let hash = 7
  for (const character of subject ?? String(number)) hash = (hash * 31 + character.charCodeAt(0)) % 2 ** 24
  const tag = [18, 12, 6, 0].map((shift) => alphabet[(hash >> shift) & 63]).join('')
  return tag + String(number).padStart(20, '0')
}

/** A live session of `alice`, created `number` ms after the start. */
export function sample(number: number, changes: Partial<SessionRecord> = {}): SessionRecord {
  const subject = changes.subject === undefined ? 'alice' : changes.subject
  const createdAt = changes.createdAt ?? start + number
  return {
    id: sampleId(number, subject),
    subject,
    createdAt,
    authTime: subject === null ? null : createdAt,
    amr: subject === null ? [] : ['pwd'],
    acr: null,
    elevation: null,
    seenAt: createdAt,
    idleTimeout: 30 * minute,
    idleExpiresAt: createdAt + 30 * minute,
    absoluteExpiresAt: createdAt + 720 * minute,
    digest: `${String(number % 10).repeat(42)}A`,
    previous: null,
    generation: 0,
    nonce: null,
    rotatedAt: null,
    grant: null,
    binding: { fingerprint: null, jkt: null, deviceKey: null },
    origin: 'local',
    persistent: false,
    firstIp: '192.0.2.1',
    lastIp: '192.0.2.1',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    label: 'Firefox on Linux',
    attributes: {},
    revokedAt: null,
    reason: null,
    revision: 0,
    epoch: 0,
    ...changes,
  }
}

/** A record in which no field has its usual value. */
export function fullSample(number: number): SessionRecord {
  return sample(number, {
    authTime: start - minute,
    amr: ['pwd', 'otp'],
    acr: 'urn:example:gold',
    elevation: { since: start - 2000, until: start + minute, amr: ['pwd', 'hwk'], acr: null },
    previous: { digest: 'B'.repeat(43), until: start + 10_000 },
    generation: 3,
    nonce: 'n0nce',
    rotatedAt: start - 1,
    grant: { salt: 's'.repeat(22), format: 'jwt', audience: 'https://api.example', clientId: 'cli' },
    binding: { fingerprint: 'f'.repeat(43), jkt: 'thumbprint', deviceKey: '{"kty":"EC"}' },
    origin: 'proxy:corp',
    persistent: true,
    firstIp: null,
    lastIp: '2001:db8::1',
    userAgent: null,
    label: 'Gerät für Zoë 🗝',
    attributes: awkwardAttributes,
  })
}

export const awkwardAttributes: Attributes = JSON.parse(
  '{"role":"admin","nested":{"list":[1,null,{"deep":true}],"text":"\\u0000\\ud83d\\udd11"},"__proto__":{"x":1},"":-1.5e-7}',
) as Attributes

/** Calls at once from many callers, spread over the stores; in the order of the callers. */
export function parallel<T>(
  stores: readonly Store[],
  count: number,
  call: (store: Store, caller: number) => Awaitable<T>,
): Promise<T[]> {
  const calls = Array.from({ length: count }, (_, caller) => {
    const store = stores[caller % stores.length]
    return Promise.resolve().then(() => {
      if (store === undefined) throw new Error('a store set needs a store')
      return call(store, caller)
    })
  })
  return Promise.all(calls)
}

/** Every record that a store has, whatever its state. */
export async function everyRecord(store: Store): Promise<SessionRecord[]> {
  const found: SessionRecord[] = []
  let page = await store.list({ limit: 1000 })
  found.push(...page.items)
  while (page.next !== undefined) {
    page = await store.list({ limit: 1000, after: page.next })
    found.push(...page.items)
  }
  return found
}

export function liveIds(records: readonly SessionRecord[], at: Instant): SessionId[] {
  return records
    .filter(
      ({ revokedAt, idleExpiresAt, absoluteExpiresAt }) => revokedAt === null && idleExpiresAt > at && absoluteExpiresAt > at,
    )
    .map(({ id }) => id)
    .sort()
}

const patience = 2000
const pause = 5

/** Confirms until `done`, as a node does now and then; false when it takes longer than two seconds. */
export async function confirmUntil(feed: ChangeFeed, done: () => boolean): Promise<boolean> {
  const until = systemClock.now() + patience
  while (systemClock.now() < until) {
    feed.confirm(systemClock.now(), 0)
    if (done()) return true
    await new Promise<void>((resume) => {
      systemClock.after(pause, resume)
    })
  }
  return false
}
