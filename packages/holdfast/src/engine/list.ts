/** Looking sessions up by id and listing them. */

import { sessionIdPattern } from '../shared/session-id.ts'
import type { Cursor, ListQuery, SessionId } from '../store/store.ts'
import type { ListInput, SessionList } from './api.ts'
import { type Core, listed, nowOf, read } from './core.ts'
import { invalidField } from './errors.ts'
import { checkFilter, checkInput, checkSessionId, inputRules } from './inputs.ts'
import type { Session } from './session.ts'

const defaultLimit = 50
const mostPerPage = 200

export async function get(core: Core, id: SessionId): Promise<Session | undefined> {
  checkSessionId(id)
  if (!sessionIdPattern.test(id)) return undefined
  const record = await read(core, () => core.store.get(id))
  return record && listed(record, nowOf(core))
}

export async function list(core: Core, input: ListInput = {}): Promise<SessionList> {
  checkInput(input, 'input', inputRules.list)
  checkFilter(input, 'subject')
  const now = nowOf(core)
  const query: ListQuery = {
    limit: checkedLimit(input.limit),
    ...(input.subject === undefined ? {} : { subject: input.subject }),
    ...(input.liveOnly === false ? {} : { liveAt: now }),
    ...(input.cursor === undefined ? {} : { after: parseCursor(input.cursor) }),
  }
  const page = await read(core, () => core.store.list(query))
  const items = page.items.map((record) => listed(record, now))
  return page.next === undefined ? { items } : { items, next: `${page.next.createdAt.toString(36)}.${page.next.id}` }
}

function checkedLimit(limit: number = defaultLimit): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > mostPerPage)
    throw invalidField('limit', `must be from 1 to ${mostPerPage}`)
  return limit
}

/**
 * A cursor only ever narrows what the query would show anyway, so it need not be secret: it must be well formed, and no later
 * than what every store can keep, or asking with it would count as the store's fault.
 */
function parseCursor(text: string): Cursor {
  const match = /^([0-9a-z]{1,9})\.([A-Za-z0-9_-]{24})$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) throw invalidField('cursor', 'is not one that this service gave')
  return { createdAt: Number.parseInt(match[1], 36), id: match[2] }
}
