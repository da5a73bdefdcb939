/** The program of one node: an engine of its own, over the store that all share, doing what the coordinator asks. */
import pg from 'pg'
import { createHoldfast } from '../../packages/holdfast/src/index.ts'
import { postgresStore } from '../../packages/holdfast/src/store/postgres.ts'
import { Reassertion } from '../../packages/holdfast/src/store/reassertion.ts'
import { redisStore } from '../../packages/holdfast/src/store/redis.ts'
import type { Store } from '../../packages/holdfast/src/store/store.ts'
import { connect, connectCluster, connectSentinel, connectSingle } from '../../packages/holdfast/test/store/redis/clients.ts'
import { type Backend, type Defence, type NodeOptions, type Order, tokenGrace } from './order.ts'

/** As the store asks for, at a tenth of the times. */
const watch = { pingInterval: 100, socketTimeout: 500 } as const
const hour = 3_600_000
const minute = 60_000

async function openStore(backend: Backend): Promise<Store> {
  if (backend.kind === 'postgres') {
    const store = postgresStore(new pg.Pool({ ...backend.connection, max: 6 }), { expectsStandby: true })
    if (backend.migrate) await store.migrate()
    return store
  }
  if (backend.kind === 'redis') return redisStore((await connectSingle(backend.url, watch)).client)
  if (backend.kind === 'cluster') return redisStore((await connectCluster(backend.rootNodes, watch)).client)
  return redisStore((await connectSentinel(backend.name, backend.sentinels)).client, { connect })
}

/** Takes the defence out. A deaf store still knows whether its feed is whole. */
function weakened(store: Store, without: Defence | undefined): Store {
  if (without === 'reassertion') Object.assign(Reassertion.prototype, { start() {}, resume() {} })
  const { changes } = store
  if (changes === undefined || (without !== 'feed' && without !== 'bound')) return store
  const subscribe = () => changes.subscribe(() => undefined)
  const confirm = (now: number, maxAge: number) => without === 'feed' || changes.confirm(now, maxAge)
  return { ...store, changes: { subscribe, confirm } }
}

async function main({ backend, bound, offset, without }: NodeOptions): Promise<void> {
  const store = weakened(await openStore(backend), without)
  let ahead = offset
  const now = () => Date.now() + ahead
  const holdfast = createHoldfast({
    secret: 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0',
    store,
    maxStaleness: without === 'bound' ? minute : bound,
    tokens: { grace: tokenGrace },
    clock: {
      now,
      after: (ms, run) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
    },
    onFault: () => undefined,
  })
  const work: { readonly [Do in Order['do']]: (order: Extract<Order, { do: Do }>) => unknown } = {
    issue: ({ subject }) => holdfast.issue({ subject }),
    issueAnonymous: () => holdfast.issueAnonymous(),
    verify: ({ token, fresh }) => holdfast.verify(token, undefined, { fresh }),
    revoke: ({ session }) => holdfast.revoke({ session }),
    revokeSubject: ({ subject }) => holdfast.revoke({ subject }),
    revokeAll: () => holdfast.revokeAll(),
    regenerate: ({ session }) => holdfast.regenerate(session),
    promote: ({ session, subject }) => holdfast.promote(session, { subject }),
    live: async ({ subject }) => (await holdfast.list({ subject, limit: 200 })).items.length,
    put: ({ ticket }) => store.tickets.put({ id: ticket, expiresAt: now() + hour, data: {} }),
    take: async ({ ticket }) => (await store.tickets.take(ticket, now())) !== undefined,
    issueTokens: ({ subject }) => holdfast.issueTokens({ subject }),
    refresh: ({ token }) => holdfast.refresh(token),
    issueTicket: async ({ session }) => {
      const found = await holdfast.get(session)
      return found === undefined ? null : holdfast.issueTicket(found)
    },
    redeem: ({ ticket }) => holdfast.redeemTicket(ticket),
    stats: () => holdfast.stats(),
    setClock: ({ by }) => {
      ahead += by
    },
  }
  process.on('message', async ({ number, order }: { number: number; order: Order }) => {
    try {
      const answer = await work[order.do](order as never)
      process.send?.({ number, answer: answer ?? null })
    } catch (fault) {
      process.send?.({ number, fault: fault instanceof Error ? fault.message : String(fault) })
    }
  })
  process.once('disconnect', () => process.exit(0))
  process.send?.({ ready: true })
}

await main(JSON.parse(process.argv[2] ?? ''))
