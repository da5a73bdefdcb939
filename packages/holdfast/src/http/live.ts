/**
 * Every open stream and socket of this process: how many there may be, who is written to so that the connection stays,
 * and who is cut off because nothing is taken any more. One timer for all of them.
 */
import type { Clock } from '../engine/clock.ts'
import { HoldfastError } from '../engine/errors.ts'
import { sourceOf } from '../engine/network.ts'
import type { Instant, SessionId } from '../store/store.ts'

export interface LiveSettings {
  readonly perSession: number
  readonly perSource: number
  readonly total: number
  /** Bytes that may wait for one reader. */
  readonly maxBuffered: number
  /** ms */
  readonly heartbeat: number
  /** How long a reader may take nothing while something waits for it, in ms. */
  readonly writeTimeout: number
  /** After this much time the client is to connect again, in ms. */
  readonly maxAge: number
}

export interface LiveMember {
  readonly session: { readonly id: SessionId }
  /** The network it came from, as caps count them. */
  readonly source: string
  /** Bytes that wait. */
  readonly buffered: number
  /** Bytes written so far. */
  readonly written: number
  /** What was written is with the connection. */
  taken(): void
  /** Writes something, unless something waits already. */
  beat(): void
  /** Nothing was taken for too long: cuts it off. */
  stalled(): void
  /** Ends it politely: the client is to connect again. */
  retire(): void
  /** Ended, and given its time to go: cuts it off. */
  cut(): void
}

interface Waiting {
  since: Instant
  taken: number
}

const tick = 1000
/** How long an ended connection may take to deliver its last words. */
const lingering = 500
const retryAfter = 5

export class Live {
  readonly settings: LiveSettings
  readonly clock: Clock
  readonly #perSession: Map<SessionId, number> = new Map()
  readonly #perSource: Map<string, number> = new Map()
  /** By the second of the heartbeat's period in which their turn is, so that not all are written to at once. */
  readonly #slots: readonly Set<LiveMember>[]
  readonly #slotOf: Map<LiveMember, { readonly slot: number; readonly openedAt: Instant }> = new Map()
  readonly #waiting: Map<LiveMember, Waiting> = new Map()
  #leaving: LiveMember[] = []
  #sequence = 0
  #turn = 0
  #admitted = 0
  #cancelTick: (() => void) | undefined

  constructor(settings: LiveSettings, clock: Clock) {
    this.settings = settings
    this.clock = clock
    this.#slots = Array.from({ length: Math.max(1, Math.round(settings.heartbeat / tick)) }, () => new Set())
  }

  get count(): number {
    return this.#admitted
  }

  /** Throws `rate-limited` when the source, or the process, has as many connections as it may. */
  checkRoom(ip: string | undefined): string {
    const source = sourceOf(ip)
    const { perSource, total } = this.settings
    if (this.#admitted >= total) throw full('this server has as many open connections as it takes')
    if ((this.#perSource.get(source) ?? 0) >= perSource) throw full('too many connections are open from this network')
    return source
  }

  /** Takes a place, to be given back by `leave`. Throws `rate-limited`. */
  admit(session: SessionId, ip: string | undefined): string {
    const source = this.checkRoom(ip)
    const open = this.#perSession.get(session) ?? 0
    if (open >= this.settings.perSession) throw full('too many connections are open for this session')
    this.#perSession.set(session, open + 1)
    this.#perSource.set(source, (this.#perSource.get(source) ?? 0) + 1)
    this.#admitted += 1
    return source
  }

  /** Gives a place back that no member took. */
  release(session: SessionId, source: string): void {
    decrement(this.#perSession, session)
    decrement(this.#perSource, source)
    this.#admitted -= 1
  }

  /** Counts every member that ever joined. */
  join(member: LiveMember): number {
    this.#sequence += 1
    const slot = this.#sequence % this.#slots.length
    this.#slots[slot]?.add(member)
    this.#slotOf.set(member, { slot, openedAt: this.clock.now() })
    this.#arm()
    return this.#sequence
  }

  leave(member: LiveMember): void {
    const place = this.#slotOf.get(member)
    if (place === undefined) return
    this.#slotOf.delete(member)
    this.#slots[place.slot]?.delete(member)
    this.#waiting.delete(member)
    this.release(member.session.id, member.source)
    if (this.#slotOf.size > 0) return
    this.#cancelTick?.()
    this.#cancelTick = undefined
  }

  /** Something was written: watched until it is taken. */
  wrote(member: LiveMember): void {
    if (this.#waiting.has(member) || !this.#slotOf.has(member)) return
    this.#waiting.set(member, { since: this.clock.now(), taken: member.written - member.buffered })
  }

  /** Cuts the member off in a moment, unless it is gone by then. */
  linger(member: LiveMember): void {
    this.#leaving.push(member)
    if (this.#leaving.length > 1) return
    this.clock.after(lingering, () => {
      const { length } = this.#leaving
      const leaving = this.#leaving
      this.#leaving = []
      for (let at = 0; at < length; at += 1) leaving[at]?.cut()
    })
  }

  #arm(): void {
    this.#cancelTick ??= this.clock.after(tick, () => {
      this.#cancelTick = undefined
      this.#round()
      if (this.#slotOf.size > 0) this.#arm()
    })
  }

  #round(): void {
    const now = this.clock.now()
    for (const [member, waiting] of this.#waiting) this.#watch(member, waiting, now)
    this.#turn = (this.#turn + 1) % this.#slots.length
    for (const member of this.#slots[this.#turn] ?? []) {
      const openedAt = this.#slotOf.get(member)?.openedAt ?? now
      if (now - openedAt >= this.settings.maxAge) member.retire()
      else member.beat()
    }
  }

  #watch(member: LiveMember, waiting: Waiting, now: Instant): void {
    if (member.buffered === 0) {
      this.#waiting.delete(member)
      member.taken()
      return
    }
    const taken = member.written - member.buffered
    // A clock that was set back does not know since when: it starts anew.
    if (taken > waiting.taken || now < waiting.since) {
      waiting.taken = taken
      waiting.since = now
    } else if (now - waiting.since >= this.settings.writeTimeout) member.stalled()
  }
}

function full(detail: string): HoldfastError {
  return new HoldfastError('rate-limited', { detail, retryAfter })
}

function decrement(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
