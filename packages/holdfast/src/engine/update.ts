/** Changing the attributes of a live session. */
import type { Attributes, SessionId } from '../store/store.ts'
import { changeRecord } from './change.ts'
import { type Core, listed, nowOf } from './core.ts'
import { checkFunction, checkSessionId } from './inputs.ts'
import { checkAttributes } from './schema.ts'
import type { Session } from './session.ts'

/** `undefined` when the session is not live: an update never brings one back (CVE-2025-46336 and kin). */
export async function update(
  core: Core,
  id: SessionId,
  change: (attributes: Attributes) => Attributes,
): Promise<Session | undefined> {
  checkSessionId(id)
  checkFunction(change, 'change')
  const record = await changeRecord(core, id, async (current) => ({
    ...current,
    attributes: await checkAttributes(core.settings.attributes, change(current.attributes)),
  }))
  if (record === undefined) return undefined
  core.events.emit({ kind: 'session_updated', session: id, subject: record.subject })
  return listed(record, nowOf(core))
}
