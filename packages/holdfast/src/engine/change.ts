/** Read, change, write back if nobody else did: the one loop behind every change of a live record. */
import type { SessionId, SessionRecord } from '../store/store.ts'
import { type Core, forget, nowOf, write } from './core.ts'
import { storeUnavailable } from './errors.ts'
import { endOf } from './record.ts'

/** Losing this often in a row means something is wrong, not busy: every loss is another caller's success. */
const mostAttempts = 100

/**
 * Applies `next` to the live record; `undefined` when there is none, or when `next` declines. `next` may run several
 * times and must only compute. Never creates, never revives: the store's `replace` sees to it.
 */
export async function changeRecord(
  core: Core,
  id: SessionId,
  next: (record: SessionRecord) => SessionRecord | undefined | Promise<SessionRecord | undefined>,
): Promise<SessionRecord | undefined> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const record = await write(core, () => core.store.get(id))
    if (record === undefined || endOf(record, nowOf(core)) !== undefined || core.pending.reasonFor(record) !== undefined)
      return undefined
    const changed = await next(record)
    if (changed === undefined) return undefined
    if (await write(core, () => core.store.replace(changed, record.revision))) {
      forget(core, [id])
      return { ...changed, revision: record.revision + 1 }
    }
  }
  throw storeUnavailable(new Error('the record changed at every attempt'))
}
