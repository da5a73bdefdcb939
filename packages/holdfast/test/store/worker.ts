/** The program of a child process: does on its own store what the parent orders. */
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { SessionCap, SessionId, SessionRecord, Store } from '../../src/store/store.ts'
import { sample } from '../../src/testing/contract/check.ts'

export type Order =
  | { readonly do: 'insert'; readonly from: number; readonly count: number; readonly cap: SessionCap }
  | { readonly do: 'replace'; readonly next: SessionRecord; readonly count: number }
  | { readonly do: 'revoke'; readonly subject: string }
  | { readonly do: 'churn'; readonly from: number }

export interface Report {
  readonly ids?: readonly SessionId[]
  readonly wins?: number
  /** Told after the store has answered: this session is revoked, for good. */
  readonly revoked?: SessionId
}

const at = sample(0).createdAt

const work: { readonly [Kind in Order['do']]: (store: Store, order: Extract<Order, { do: Kind }>) => Promise<Report> } = {
  async insert(store, { from, count, cap }) {
    const ids: SessionId[] = []
    for (let number = from; number < from + count; number += 1) {
      ids.push(...(await patiently(() => store.insert(sample(number), cap))).evicted)
    }
    return { ids }
  },
  async replace(store, { next, count }) {
    let wins = 0
    for (let caller = 0; caller < count; caller += 1) if (await patiently(() => store.replace(next, 0))) wins += 1
    return { wins }
  },
  async revoke(store, { subject }) {
    return { ids: (await patiently(() => store.revoke({ subject }, { at, reason: 'logout' }))).ids }
  },
  async churn(store, { from }) {
    for (let number = from; ; number += 1) {
      const { id } = sample(number)
      await store.insert(sample(number), { max: 3, now: at, whenFull: 'evict-oldest' })
      await store.replace(sample(number, { label: 'replaced' }), 0)
      await store.touch([{ id, seenAt: at + number, idleExpiresAt: at + 10 * number, ip: null }])
      const event = { at, kind: 'session_created', data: { number }, hash: 'h', previous: 'p' }
      await store.eventLog.append([event], (await store.eventLog.last())?.sequence ?? 0)
      await store.revoke({ id }, { at, reason: 'logout' })
      await tell({ revoked: id })
    }
  },
}

const busy = 5

/** A locked file is a fault that a caller may meet and try again. */
async function patiently<T>(call: () => T | Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      return await call()
    } catch (fault) {
      if (!(fault instanceof Error && 'errcode' in fault && fault.errcode === busy)) throw fault
    }
  }
  throw new Error('the file stayed locked')
}

function tell(message: object): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve())
  })
}

const [path = ''] = process.argv.slice(2)

try {
  const store = sqliteStore(path)
  process.on('message', (order: Order) => {
    const run = work[order.do] as (store: Store, order: Order) => Promise<Report>
    run(store, order)
      .catch((fault: unknown) => ({ fault: String(fault) }))
      .then(tell)
      .catch(() => process.exit(1))
  })
  await tell({})
} catch (fault) {
  await tell({ fault: String(fault) })
}
