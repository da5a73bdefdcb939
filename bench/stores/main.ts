/** A process of its own for the checks that ask a server. Arguments: place and effort as JSON. */
import { answer, tell } from '../shared/child.ts'
import { addressOf, userAgentOf } from '../shared/clients.ts'
import { freshHoldfast, signIn } from '../shared/holdfast.ts'
import { openService, type Place } from './services.ts'

export interface StoreEffort {
  readonly sessions: number
  /** Checks under way at once. */
  readonly inFlight: number
  readonly rounds: number
  /** Waves of `inFlight` checks in a round. */
  readonly waves: number
}

export interface StoreRun {
  /** Lookups per second by the driver alone, one per round. */
  readonly driver: readonly number[]
  /** Checks per second that ask the store, one per round. */
  readonly verify: readonly number[]
  /** Bytes of the server per session. */
  readonly bytes: number
}

interface Client {
  readonly id: string
  readonly token: string
  readonly context: { readonly ip: string; readonly userAgent: string }
}

const signInsAtOnce = 64

async function measure(place: Place, { sessions, inFlight, rounds, waves }: StoreEffort): Promise<StoreRun> {
  const { store, driver } = await openService(place)
  const holdfast = freshHoldfast(store)
  const before = await driver.usedBytes()
  const clients: Client[] = []
  for (let from = 0; from < sessions; from += signInsAtOnce) {
    const some = Array.from({ length: Math.min(signInsAtOnce, sessions - from) }, async (_, at) => {
      const token = await signIn(holdfast, from + at)
      return { token, id: token.slice(8, 32), context: { ip: addressOf(from + at), userAgent: userAgentOf(from + at) } }
    })
    const issued = await Promise.all(some)
    if (clients.length < checked) clients.push(...issued)
  }
  const bytes = ((await driver.usedBytes()) - before) / sessions
  const wave = (from: number): Client[] =>
    Array.from({ length: inFlight }, (_, at) => clients[(from + at) % clients.length] as Client)

  const perSecond = async (run: (wave: readonly Client[]) => Promise<unknown>): Promise<number> => {
    const from = performance.now()
    for (let at = 0; at < waves; at += 1) await run(wave(at * inFlight))
    return (waves * inFlight) / ((performance.now() - from) / 1000)
  }
  const byDriver = () => perSecond((some) => driver.lookUp(some.map(({ id }) => id)))
  const byVerify = () =>
    perSecond(async (some) => {
      const verdicts = await Promise.all(some.map(({ token, context }) => holdfast.verify(token, context, { fresh: true })))
      const refused = verdicts.find(({ status }) => status !== 'live')
      if (refused !== undefined) throw new Error(`a live session was refused: ${JSON.stringify(refused)}`)
    })
  await byDriver()
  await byVerify()
  const run: { driver: number[]; verify: number[] } = { driver: [], verify: [] }
  for (let round = 0; round < rounds; round += 1) {
    run.driver.push(await byDriver())
    run.verify.push(await byVerify())
  }
  await holdfast.close()
  return { ...run, bytes }
}

/** Sessions that are presented in rotation. */
const checked = 10_000

const [place = '{}', effort = '{}'] = process.argv.slice(2)
answer({})
tell(await measure(JSON.parse(place) as Place, JSON.parse(effort) as StoreEffort))
