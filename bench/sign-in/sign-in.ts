/**
 * Part `sign-in`: the standalone server with its real password hashing. What sign-ins do to other requests, and
 * whether the time of a refusal tells if an account exists or is locked.
 */
import { startChild } from '../shared/child.ts'
import { mannWhitney, quantileOf, shuffled } from '../shared/statistics.ts'
import { type Answered, ask, closeConnections, cookiesOf, expecting, password, type SignedIn, setupToken } from './client.ts'

export interface SignInEffort {
  /** Seconds of requests at rest. */
  readonly seconds: number
  readonly signIns: number
  /** Refused sign-ins of each class. */
  readonly refusals: number
}

/** Milliseconds. */
export interface Quantiles {
  readonly p10: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

export const classes = ['existing', 'unknown', 'locked'] as const
export type Class = (typeof classes)[number]

export interface SignInResult {
  readonly effort: SignInEffort
  /** `GET /auth/session` alone, and while so many sign-ins are under way. */
  readonly atRest: Quantiles
  readonly during: Quantiles
  readonly refusals: Readonly<Record<Class, Quantiles>>
  /** Two-sided p of the Mann-Whitney test that the class takes as long as an unknown name. */
  readonly alike: Readonly<Record<Exclude<Class, 'unknown'>, number>>
}

/** Requests for a session under way at once. */
const readers = 4
/** Failures that lock a name for a source, and those in a row that lock an account. */
const locksAfter = 10
const perAccount = 80
/** Below the limit of sign-ins per source. */
const perLockedSource = 50

function quantilesOf(times: readonly number[]): Quantiles {
  const at = (share: number) => quantileOf(times, share)
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

/** An address of its own for each. */
function sourceOf(at: number): string {
  return `198.18.${at >> 8}.${at & 255}`
}

async function setUp(server: string): Promise<SignedIn> {
  const from = '203.0.113.1'
  const body = { token: setupToken, username: 'root', password }
  await expecting(201, ask(server, { method: 'POST', path: '/auth/setup', from, body }))
  return cookiesOf(await expecting(200, signIn(server, 'root', from, password)))
}

function signIn(server: string, username: string, from: string, given: string): Promise<Answered> {
  return ask(server, { method: 'POST', path: '/auth/login', from, body: { username, password: given } })
}

/** Times of `GET /auth/session` for as long as `goOn` says. */
async function readWhile(server: string, { cookies }: SignedIn, goOn: () => boolean): Promise<number[]> {
  const times: number[] = []
  const read = async () => {
    while (goOn()) {
      times.push((await expecting(200, ask(server, { method: 'GET', path: '/auth/session', from: '203.0.113.1', cookies }))).ms)
    }
  }
  await Promise.all(Array.from({ length: readers }, read))
  return times
}

/** Names that nobody has: each costs a whole hash, and none waits for another. */
async function readDuring(server: string, owner: SignedIn, signIns: number): Promise<number[]> {
  let left = signIns
  const names = Array.from({ length: signIns }, async (_, at) => {
    await expecting(401, signIn(server, `stranger-${at}`, sourceOf(60_000 + at), 'wrong'))
    left -= 1
  })
  const [times] = await Promise.all([readWhile(server, owner, () => left > 0), ...names])
  return times
}

/** Each refusal comes from a source of its own, but those of the locked: theirs had its ten failures before. */
async function refusalsOf(server: string, owner: SignedIn, times: number): Promise<Record<Class, number[]>> {
  const accounts = Math.ceil(times / perAccount) + 1
  for (let at = 0; at < accounts; at += 1) {
    const body = { username: `user-${at}`, password }
    const asked = { method: 'POST', path: '/admin/users', from: '203.0.113.1', ...owner, body } as const
    await expecting(201, ask(server, asked))
  }
  const locked = `user-${accounts - 1}`
  const lockedSources = Math.ceil(times / perLockedSource)
  for (let failure = 0; failure < locksAfter * lockedSources; failure += 1) {
    await expecting(401, signIn(server, locked, sourceOf(failure % lockedSources), 'wrong'))
  }
  const found: Record<Class, number[]> = { existing: [], unknown: [], locked: [] }
  const attempts: Record<Class, (at: number) => Promise<Answered>> = {
    existing: (at) => expecting(401, signIn(server, `user-${Math.floor(at / perAccount)}`, sourceOf(1000 + at), 'wrong')),
    unknown: (at) => expecting(401, signIn(server, `nobody-${at}`, sourceOf(30_000 + at), 'wrong')),
    locked: (at) => expecting(429, signIn(server, locked, sourceOf(at % lockedSources), 'wrong')),
  }
  for (let at = 0; at < times; at += 1) {
    for (const each of shuffled(classes)) found[each].push((await attempts[each](at)).ms)
  }
  return found
}

export async function measureSignIn(folder: string, effort: SignInEffort, flags: readonly string[]): Promise<SignInResult> {
  const child = startChild(new URL('./main.ts', import.meta.url), [folder], { flags })
  try {
    const server = String(await child.next())
    const owner = await setUp(server)
    // Warm, so that what is compared is not the first requests of a process.
    await readWhile(server, owner, untilAfter(effort.seconds / 4))
    const atRest = await readWhile(server, owner, untilAfter(effort.seconds))
    const during = await readDuring(server, owner, effort.signIns)
    const refusals = await refusalsOf(server, owner, effort.refusals)
    return {
      effort,
      atRest: quantilesOf(atRest),
      during: quantilesOf(during),
      refusals: {
        existing: quantilesOf(refusals.existing),
        unknown: quantilesOf(refusals.unknown),
        locked: quantilesOf(refusals.locked),
      },
      alike: {
        existing: mannWhitney(refusals.existing, refusals.unknown),
        locked: mannWhitney(refusals.locked, refusals.unknown),
      },
    }
  } finally {
    closeConnections()
    await child.stop()
  }
}

function untilAfter(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1000
  return () => performance.now() < end
}
