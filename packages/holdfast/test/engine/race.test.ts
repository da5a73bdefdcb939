/** Calls at the same time on an asynchronous store, in every order that a scheduler finds, on two nodes. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Issued, Verdict } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { must, outcomeOf, type Started, start } from './support/start.ts'
import { remoteFeed, wrapStore } from './support/stores.ts'

const runs = Number(process.env.HOLDFAST_RUNS ?? 300)
const cap = 2

const kinds = [
  'check',
  'check',
  'fresh',
  'revoke',
  'revokeSubject',
  'elevate',
  'regenerate',
  'update',
  'promote',
  'issue',
] as const
type Kind = (typeof kinds)[number]

interface Call {
  readonly kind: Kind
  readonly node: number
  readonly started: number
  readonly ended: number
  readonly answer: unknown
}

interface Race {
  readonly nodes: readonly Started[]
  readonly alice: Issued
  readonly visitor: Issued
  readonly calls: Call[]
}

function callOf({ nodes, alice, visitor }: Race, kind: Kind, node: number): unknown {
  const { engine } = must(nodes[node])
  const { id } = alice.session
  const call: Record<Kind, () => unknown> = {
    check: () => engine.verify(alice.token),
    fresh: () => engine.verify(alice.token, undefined, { fresh: true }),
    revoke: () => engine.revoke({ session: id }, { reason: 'logout' }),
    revokeSubject: () => engine.revoke({ subject: 'alice' }),
    elevate: () => engine.elevate(id, { amr: ['otp'] }),
    regenerate: () => engine.regenerate(id),
    update: () => engine.update(id, (held) => ({ n: Number(held.n ?? 0) + 1 })),
    promote: () => engine.promote(visitor.session.id, { subject: 'alice' }),
    issue: () => engine.issue({ subject: 'alice' }),
  }
  return call[kind]()
}

async function run(scheduler: fc.Scheduler, plan: readonly { kind: Kind; node: number }[], maxStaleness: number) {
  const inner = memoryStore()
  const turn = <T>(value: T, label: string): Promise<T> => scheduler.schedule(Promise.resolve(value), label)
  const nodes = [1, 2].map((seed) => {
    let calm = true
    const store = wrapStore(
      inner,
      (method, effect) => {
        if (calm) return Promise.resolve().then(effect) as ReturnType<typeof effect>
        const answered = turn(null, `${method} takes effect`).then(async () => turn(await effect(), `${method} is answered`))
        return answered as ReturnType<typeof effect>
      },
      remoteFeed(inner.changes),
    )
    const started = start({ store, seed, maxStaleness, sessionsPerSubject: { max: cap }, clock: firstClock() })
    return { ...started, setCalm: (value: boolean) => (calm = value) }
  })
  const first = must(nodes[0])
  const alice = await first.engine.issue({ subject: 'alice', amr: ['pwd'] })
  const visitor = await first.engine.issueAnonymous({ attributes: { cart: 1 } })
  const race: Race = { nodes, alice, visitor, calls: [] }
  for (const node of nodes) node.setCalm(false)
  let step = 0
  const all = plan.map(async ({ kind, node }) => {
    await turn(null, `${kind} is called`)
    const started = step++
    const answer = await callOf(race, kind, node)
    race.calls.push({ kind, node, started, ended: step++, answer })
  })
  await scheduler.waitFor(Promise.all(all))
  for (const node of nodes) node.setCalm(true)
  await check(race, inner, maxStaleness)
}

/** Time stands still during a race. */
function firstClock() {
  return start().clock
}

async function check(race: Race, inner: ReturnType<typeof memoryStore>, maxStaleness: number): Promise<void> {
  const { calls, alice, visitor, nodes } = race
  const answersTo = <T>(kind: Kind) =>
    calls.filter((call) => call.kind === kind && call.answer !== undefined).map((call) => call.answer as T)
  checkOrder(calls)
  expect(answersTo('promote').length, 'one winner').toBeLessThanOrEqual(1)

  const now = must(nodes[0]).clock.now()
  const live = (await inner.list({ subject: 'alice', liveAt: now, limit: 100 })).items
  expect(live.length, 'the cap holds').toBeLessThanOrEqual(cap)
  const stored = must(await inner.get(alice.session.id))
  expect(stored.attributes.n ?? 0, 'every acknowledged update is there').toBe(answersTo('update').length)
  const claimed = must(await inner.get(visitor.session.id))
  expect(claimed.reason === 'promoted', 'a visitor is promoted, or still there').toBe(answersTo('promote').length === 1)

  const renewed = [...answersTo<Issued>('elevate'), ...answersTo<Issued>('regenerate')]
  const elevated = new Set(answersTo<Issued>('elevate').map(({ token }) => token))
  const tokens = [alice, visitor, ...renewed, ...answersTo<Issued>('promote'), ...answersTo<Issued>('issue')].map(
    ({ token }) => token,
  )
  for (const { engine, clock } of nodes) {
    // Nothing here is older than the bound; with a bound of 0 not even by a moment.
    if (maxStaleness > 0) clock.advance(maxStaleness)
    let current = 0
    for (const token of tokens) {
      const remembered = await engine.verify(token)
      expect(await engine.verify(token, undefined, { fresh: true })).toEqual(remembered)
      if (renewed.some((one) => one.token === token) && isLive(remembered)) current += 1
      checkRights(remembered, token, elevated, renewed)
    }
    expect(current, 'one secret, and the one before it').toBeLessThanOrEqual(2)
  }
}

const isLive = (verdict: Verdict) => verdict.status === 'live'

/** A step-up is carried by its own secret, or by one that replaced it since. */
function checkRights(verdict: Verdict, token: string, elevated: ReadonlySet<string>, renewed: readonly Issued[]): void {
  if (verdict.status !== 'live' || verdict.session.elevatedUntil === null) return
  const regenerated = renewed.some((one) => one.token === token)
  expect(elevated.has(token) || (regenerated && elevated.size > 0), 'no rights without proof').toBe(true)
}

/** I1 in real time: what began after a revocation was acknowledged on that node finds the session dead. */
function checkOrder(calls: readonly Call[]): void {
  for (const end of calls.filter(({ kind }) => kind === 'revoke' || kind === 'revokeSubject')) {
    for (const later of calls.filter(({ started }) => started > end.ended)) checkAfterTheEnd(end, later)
  }
}

function checkAfterTheEnd(end: Call, { kind, node, answer }: Call): void {
  const knows = kind === 'fresh' || (kind === 'check' && node === end.node)
  if (knows) expect(outcomeOf(answer as Verdict)).not.toBe('live')
  if (kind === 'elevate' || kind === 'regenerate' || kind === 'update') expect(answer).toBeUndefined()
}

it.each([0, 1000])(
  'calls at the same time keep the promises in any order, with a bound of %d ms',
  async (maxStaleness) => {
    const step = fc.record({ kind: fc.constantFrom(...kinds), node: fc.nat({ max: 1 }) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 2, maxLength: 9 }), (scheduler, plan) =>
        run(scheduler, plan, maxStaleness),
      ),
      { numRuns: Math.ceil(runs / 2) },
    )
  },
  Math.max(30_000, runs * 100),
)
