/** Read, change, write back if nobody else did: the one loop behind every change of a live record. */
import type { SessionId, SessionRecord } from '../store/store.ts'
import { type Core, endedBy, forget, nowOf, read, write } from './core.ts'
import { storeUnavailable } from './errors.ts'
import { wasRefused } from './guard.ts'

/** Losing this often in a row means something is wrong, not busy: every loss is another caller's success. */
export const mostAttempts = 100

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
    const record = await read(core, () => core.store.get(id))
    if (record === undefined || endedBy(core, record, nowOf(core)) !== undefined) return undefined
    const changed = await next(record)
    if (changed === undefined) return undefined
    const won = await replaced(core, record, changed)
    forget(core, [id])
    if (won) return { ...changed, revision: record.revision + 1 }
  }
  throw storeUnavailable(new Error('the record changed at every attempt'))
}

/**
 * Writes the change. When the store's answer is lost the change may have landed all the same, and a new secret that
 * nobody was handed would sign its session out: so the record is read once more before the fault is thrown.
 */
export async function replaced(core: Core, record: SessionRecord, changed: SessionRecord): Promise<boolean> {
  try {
    return await write(core, () => core.store.replace(changed, record.revision))
  } catch (fault) {
    if (wasRefused(fault)) throw fault
    forget(core, [record.id])
    if (await landed(core, record, changed)) return true
    throw fault
  }
}

/** Only a new digest or nonce tells this call's change from an equal one of another caller. */
async function landed(core: Core, { id, digest, nonce }: SessionRecord, changed: SessionRecord): Promise<boolean> {
  if (changed.digest === digest && changed.nonce === nonce) return false
  try {
    const stored = await read(core, () => core.store.get(id))
    return stored !== undefined && stored.digest === changed.digest && stored.nonce === changed.nonce
  } catch {
    return false
  }
}
