/**
 * The store contract. The comments are the contract; `holdfast/testing` exports the suite that checks it.
 *
 * The engine owns policy and time: a store never reads a clock, and native expiry is garbage collection, not
 * meaning. Not found is `undefined` or `false`; anything a store throws means "cannot tell". Every method may
 * answer at once or with a promise, so that an embedded store costs no turn of the event loop.
 * Misses, races and expiry are values; each operation that two callers can race returns who won.
 */
import type { RevocationReason } from '../shared/codes.ts'
import type { ApiKeyStore } from './api-keys.ts'
import type { CounterStore } from './counters.ts'
import type { Denylist } from './denylist.ts'
import type { EventLog } from './event-log.ts'
import type { TicketStore } from './tickets.ts'

export type Awaitable<T> = T | Promise<T>
/** Milliseconds since 1970-01-01T00:00:00Z, an integer. */
export type Instant = number
/** 24 base64url characters: 3 bytes of slot tag, 15 random bytes. */
export type SessionId = string
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type Attributes = { readonly [key: string]: JsonValue }
export type Origin = 'local' | `proxy:${string}`

/** Assurance gained by a step-up; it decays at `until`. */
export interface Elevation {
  /** When it was gained. Absent in a record that was written before this was kept. */
  readonly since?: Instant
  readonly until: Instant
  readonly amr: readonly string[]
  readonly acr: string | null
}

/** What ties a session to its client. Each is null when not bound. */
export interface Binding {
  /** Keyed digest of browser family, platform and mobile flag. */
  readonly fingerprint: string | null
  /** JWK thumbprint of a DPoP key (RFC 9449). */
  readonly jkt: string | null
  /** Public key of a device-bound session (DBSC), as a JWK string. */
  readonly deviceKey: string | null
}

/** How a session that is carried by access and refresh tokens was granted them. */
export interface TokenGrant {
  /**
   * What its access tokens' secrets derive from, with the key: 22 or 43 base64url characters. Only the record holds
   * it, so that a leaked signing key alone makes no token.
   */
  readonly salt: string
  readonly format: 'opaque' | 'jwt'
  /** For whom the tokens are (`aud`). */
  readonly audience: string | null
  /** The OAuth client that holds them. */
  readonly clientId: string | null
}

/** What the store holds for one session: plain JSON data, never changed in place. */
export interface SessionRecord {
  readonly id: SessionId
  /** Null for an anonymous visitor. */
  readonly subject: string | null
  readonly createdAt: Instant
  /** When the subject last proved who they are; null for anonymous. */
  readonly authTime: Instant | null
  readonly amr: readonly string[]
  readonly acr: string | null
  readonly elevation: Elevation | null
  readonly seenAt: Instant
  /** Length of the idle limit in ms; `idleExpiresAt` is the latest sighting plus this. */
  readonly idleTimeout: number
  readonly idleExpiresAt: Instant
  readonly absoluteExpiresAt: Instant
  /** SHA-256 of the current secret, base64url. */
  readonly digest: string
  /** The secret before a step-up, good until `until` without the new rights. */
  readonly previous: { readonly digest: string; readonly until: Instant } | null
  readonly generation: number
  readonly nonce: string | null
  readonly rotatedAt: Instant | null
  /** Null unless it is carried by access and refresh tokens. */
  readonly grant: TokenGrant | null
  readonly binding: Binding
  readonly origin: Origin
  /** Whether the cookie outlives the browser ("remember me"). */
  readonly persistent: boolean
  readonly firstIp: string | null
  readonly lastIp: string | null
  readonly userAgent: string | null
  readonly label: string
  readonly attributes: Attributes
  readonly revokedAt: Instant | null
  readonly reason: RevocationReason | null
  /** Counts successful `replace` calls; 0 at insert. */
  readonly revision: number
  /** Set by the store at insert: how many times everyone had been put out by then. */
  readonly epoch: number
}

export type WhenFull = 'evict-oldest' | 'evict-idle' | 'refuse'

/**
 * Limit of live sessions of the inserted record's subject, kept in the same atomic step as the insert. An anonymous
 * record has no subject: there is nothing to count or to replace.
 */
export interface SessionCap {
  /** Live sessions allowed, the new one included; 1 or more. */
  readonly max: number
  /** Instant by which "live" is judged and at which evicted ones are revoked. */
  readonly now: Instant
  readonly whenFull: WhenFull
  /** A session of the same subject that this one replaces: revoked as `replaced` in this step, never counted. */
  readonly replaces?: SessionId
}

export interface Insertion {
  /** False only when the cap is full and its policy is `refuse`: then nothing changed. */
  readonly inserted: boolean
  /** Sessions revoked as `evicted` by this call, to keep the cap or a store's own bound. */
  readonly evicted: readonly SessionId[]
}

/** One observation of activity. */
export interface Sighting {
  readonly id: SessionId
  readonly seenAt: Instant
  readonly idleExpiresAt: Instant
  readonly ip: string | null
}

/** Position in a list: the last record of the page before. */
export interface Cursor {
  readonly createdAt: Instant
  readonly id: SessionId
}

export interface ListQuery {
  /** Only this subject's; null: only anonymous; absent: all. */
  readonly subject?: string | null
  /** Only records live at this instant. */
  readonly liveAt?: Instant
  readonly after?: Cursor
  /** 1 to 1000. */
  readonly limit: number
}

export interface SessionPage {
  readonly items: readonly SessionRecord[]
  /** Present when more records may follow. */
  readonly next?: Cursor
}

export type RevokeTarget =
  | { readonly id: SessionId }
  | { readonly subject: string; readonly except?: SessionId }
  | { readonly everyone: true }

export interface Revocation {
  readonly at: Instant
  readonly reason: RevocationReason
}

export interface Revoked {
  /** The sessions that this call changed. */
  readonly ids: readonly SessionId[]
  /** Whether the revocation survives what the store is set up to survive: the process, power, a failover. */
  readonly durable: boolean
}

export interface SweepQuery {
  /** Delete signed-in records that ended at or before this instant. */
  readonly endedBefore: Instant
  /** The same for anonymous records. */
  readonly anonymousEndedBefore: Instant
  /** Delete at most this many. */
  readonly limit: number
}

/**
 * How a node learns that records changed, on this node or another.
 * A listener receives the ids, or `undefined` when anything may have changed. A store may stay silent about
 * records that it never handed out: there is nothing to forget of them.
 */
export interface ChangeFeed {
  /** `ended`, where the store says so much: these records were revoked, in this way, so that none need be read to know it. */
  subscribe(listener: (ids: readonly SessionId[] | undefined, ended?: Revocation) => void): () => void
  /**
   * Whether every change committed `maxAge` ms or more before `now` has been told to the listeners; tells them first
   * if need be. False, or a throw, when it cannot say so: callers then stop trusting what they kept. It must be
   * cheap and must not block: a store across a network answers from its latest round trip and starts the next.
   */
  confirm(now: Instant, maxAge: number): boolean
}

export interface SessionStore {
  /**
   * Adds a record, with `revision` 0 and the store's current epoch. **Throws when the id exists**, whatever the cap
   * says (never overwrites: session fixation), and when it is not a session id. With a cap it counts the subject's
   * live records, makes room and inserts in one atomic step: `evict-oldest` revokes the earliest created,
   * `evict-idle` the least recently seen, as many as needed, with reason `evicted`; `refuse` changes nothing and
   * returns `inserted: false`.
   */
  insert(record: SessionRecord, cap?: SessionCap): Awaitable<Insertion>

  /**
   * By id. Expired and revoked records are returned too until swept, so that the engine can say why. A record
   * older than the latest everyone-out is returned as revoked by it. What is returned is the caller's: changing
   * it changes nothing stored. It may be frozen, and the very object of an earlier call while nothing stored differs. A row that cannot be decoded is a fault (throw), never default values.
   *
   * `held`: a record of an earlier call that the caller has at hand, of any age: a store that remembers what it decoded may find it
   * by that. It says nothing of what is stored, and may be ignored.
   */
  get(id: SessionId, held?: SessionRecord): Awaitable<SessionRecord | undefined>

  /**
   * Writes `next` only if the stored revision equals `revision` and the record is neither revoked nor gone; the
   * stored revision becomes `revision + 1`. One step for all fields: a refresh writes generation, nonce, digest,
   * `previous` and `rotatedAt` together or not at all. Keeps the greater of stored and given `seenAt` (with its `lastIp`), and
   * of `idleExpiresAt` (to shorten a session, lower `absoluteExpiresAt`); keeps the stored subject, creation,
   * revocation and epoch. Returns whether this call won. Never creates, never revives.
   */
  replace(next: SessionRecord, revision: number): Awaitable<boolean>

  /**
   * Moves `seenAt` and `idleExpiresAt` forward only, and `lastIp` with them; ignores unknown and revoked
   * records; never changes the revision. Idempotent and order-free: safe to batch, delay, drop or repeat.
   */
  touch(sightings: readonly Sighting[]): Awaitable<void>

  /** Newest first by creation, then by id descending; no gaps or repeats for records that stayed throughout. */
  list(query: ListQuery): Awaitable<SessionPage>

  /**
   * Marks what is not yet revoked, recording instant and reason, and returns the ids that **this call** changed,
   * so that parallel callers share the work exactly once. `everyone` starts a new epoch in one step, however
   * many records there are, and lists none.
   */
  revoke(target: RevokeTarget, revocation: Revocation): Awaitable<Revoked>

  /** Deletes up to `limit` ended records; returns how many. Ended: revoked, or past either limit. */
  sweep(query: SweepQuery): Awaitable<number>

  /** Absent: the engine keeps no verified records of this store. */
  readonly changes?: ChangeFeed
  [Symbol.asyncDispose]?(): PromiseLike<void>
}

/** A session store with its companions, all on one backend. */
export interface Store extends SessionStore {
  readonly tickets: TicketStore
  readonly counters: CounterStore
  readonly denylist: Denylist
  readonly apiKeys: ApiKeyStore
  readonly eventLog: EventLog
}
