/**
 * Tickets: a connection that cannot carry the session's token is opened with one. Single use, thirty seconds, bound
 * to the session and to the client that asked for it; a ticket that leaks into a log is spent already.
 */
import type { JsonValue, SessionRecord, Store } from '../store/store.ts'
import type { TicketStore } from '../store/tickets.ts'
import type { IssuedTicket } from './api.ts'
import { checkBinding, unremarkable } from './bind.ts'
import { type Core, endedBy, lookUpRecord, nowOf, write } from './core.ts'
import { storeUnavailable } from './errors.ts'
import { checkContext, checkSession } from './inputs.ts'
import { keptAddress } from './network.ts'
import { elevationAt, isSuperseded, openerOf } from './record.ts'
import { readToken } from './refusal.ts'
import type { RequestContext, Session, Verdict } from './session.ts'
import { viewOf } from './session.ts'
import { dead, note, refuseClient, unknown } from './verify.ts'

const lifetime = 30_000

/** What a ticket remembers beside its session. */
interface TicketData {
  readonly session: string
  readonly ip: string | null
  /** See `openerOf`: a new secret ends the tickets that the old one got. */
  readonly opener: string | null
  /** Whether a step-up held when it was asked for: a secret without the new rights gives a ticket without them. */
  readonly elevated: boolean
}

function ticketsOf({ store }: Core): TicketStore {
  const { tickets } = store as Partial<Store>
  if (tickets === undefined) throw storeUnavailable(new Error('the store keeps no tickets'))
  return tickets
}

/** Whether the session lives is asked when the ticket is used, and then of the store again. */
export async function issueTicket(core: Core, session: Session, context: RequestContext = {}): Promise<IssuedTicket> {
  checkSession(session)
  checkContext(context)
  const tickets = ticketsOf(core)
  const { token, digest } = core.tokens.mint({ kind: 'ticket', id: session.id, generation: 0 })
  const expiresAt = nowOf(core) + lifetime
  const record = await lookUpRecord(core, session.id)
  const data = {
    session: session.id,
    opener: record === undefined ? null : openerOf(record),
    ip: keptAddress(context.ip),
    elevated: session.elevatedUntil !== null,
  } satisfies TicketData
  if (!(await write(core, () => tickets.put({ id: digest, expiresAt, data })))) {
    throw storeUnavailable(new Error('a ticket of this digest exists already'))
  }
  return { ticket: token, expiresAt }
}

function dataOf(value: JsonValue): TicketData {
  return value as unknown as TicketData
}

/** Expired, spent, forged and of another kind are one answer: `invalid`. */
export async function redeemTicket(core: Core, text: string, client: RequestContext | null): Promise<Verdict> {
  checkContext(client)
  try {
    const parsed = readToken(core, text)
    if (parsed?.kind !== 'ticket') return dead(core, 'invalid', undefined, client)
    const tickets = ticketsOf(core)
    const spent = await write(core, () => tickets.take(parsed.digest, nowOf(core)))
    if (spent === undefined) return dead(core, 'invalid', undefined, client)
    const data = dataOf(spent.data)
    // The tag covers both ids already; this holds although the ticket's row was swapped in the store.
    if (data.session !== parsed.id) return dead(core, 'invalid', undefined, client)
    return await judge(core, await lookUpRecord(core, parsed.id), data, client)
  } catch (fault) {
    return unknown(core, fault, client)
  }
}

async function judge(
  core: Core,
  record: SessionRecord | undefined,
  { ip, elevated, opener }: TicketData,
  client: RequestContext | null,
): Promise<Verdict> {
  if (record === undefined) return dead(core, 'not-found', undefined, client)
  const now = nowOf(core)
  const ended = endedBy(core, record, now)
  if (ended !== undefined) return dead(core, ended, record, client)
  if (opener !== null && isSuperseded(opener, record)) return dead(core, 'superseded', record, client)
  // Held against the client that asked for the ticket, by the policies that hold for the session.
  const asked = ip === null ? record : { ...record, lastIp: ip }
  const binding = client === null ? unremarkable : checkBinding(core, asked, client)
  if (binding.outcome === 'deny' || binding.outcome === 'revoke') return refuseClient(core, record, client, binding)
  const touched = note(core, { client, now }, record, binding)
  const steppedUp = elevated && elevationAt(record, now) !== null
  const session = viewOf(touched, { elevated: steppedUp, stepUpRequired: binding.outcome === 'step-up' })
  core.tally.live += 1
  return Object.freeze({ status: 'live', session } as const)
}
