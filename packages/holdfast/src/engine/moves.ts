/**
 * Sessions that go back and forth between networks: what one client does not do, and two that hold the same token do.
 * Remembered by this node alone, for as long as the window, and for so many sessions.
 */
import { keepNewest } from '../shared/keep-newest.ts'
import type { Instant, SessionId } from '../store/store.ts'
import { networkOf } from './network.ts'

interface Stay {
  readonly network: string
  readonly at: Instant
}

/** Moves within this time are looked at together. */
const window = 5 * 60_000
/** So many returns to a network that was left are told: here, there, here, there. One return is a train with a tunnel. */
const returnsTold = 2
const mostStays = 8
const mostSessions = 10_000

/** A client of both families uses them in turn, as it likes: each family has a history of its own. */
function familyOf(ip: string): 'ipv4' | 'ipv6' {
  return networkOf(ip).includes(':') ? 'ipv6' : 'ipv4'
}

function returnsIn(stays: readonly Stay[]): number {
  return stays.filter(({ network }, at) => stays.slice(0, at).some((earlier) => earlier.network === network)).length
}

export class Moves {
  /** By session and family; the oldest go first. */
  readonly #stays: Map<string, readonly Stay[]> = new Map()

  /** A session was at `from` and is at `to`. Returns whether it is to be told now: once for each going back and forth. */
  note(session: SessionId, from: string, to: string, now: Instant): boolean {
    const family = familyOf(to)
    const key = `${family} ${session}`
    const known = (this.#stays.get(key) ?? []).filter(({ at }) => now - at < window)
    const before = known.length === 0 && familyOf(from) === family ? [{ network: networkOf(from), at: now }] : known
    const network = networkOf(to)
    const stays = before.at(-1)?.network === network ? before : [...before, { network, at: now }].slice(-mostStays)
    this.#stays.delete(key)
    if (returnsIn(stays) >= returnsTold) return true
    this.#stays.set(key, stays)
    keepNewest(this.#stays, mostSessions)
    return false
  }

  get size(): number {
    return this.#stays.size
  }
}
