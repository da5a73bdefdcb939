/** The routes that Holdfast answers itself, under `basePath`. A table: path, method, what it does. */
import { HoldfastError, invalidField } from '../engine/errors.ts'
import type { Session } from '../engine/session.ts'
import type { TicketWire } from '../shared/live.ts'
import { sessionIdPattern } from '../shared/session-id.ts'
import type { CurrentSessionWire, PageWire, SessionWire } from '../shared/wire.ts'
import type { Attributes, Awaitable } from '../store/store.ts'
import { readJson } from './body.ts'
import { restoreCsrfCookie } from './changes.ts'
import type { Exchange } from './exchange.ts'
import { unknownFields } from './fields.ts'
import { judgeRequirement, parseRequirement } from './guard.ts'
import { type Answer, answerFor, emptyAnswer, jsonAnswer, problemAnswer } from './problem.ts'
import { refreshPath } from './refresh-cookie.ts'
import { refreshTokens } from './tokens.ts'
import type { VisitInput } from './visitors.ts'
import { isoTime, sessionWire } from './wire.ts'

type Handler = (exchange: Exchange, id: string) => Awaitable<Answer>

const signedIn = parseRequirement()
const anySession = parseRequirement({ anonymous: true })
const notFound = problemAnswer('not-found')

/** Runs with the live session that the requirement lets pass. */
function withSession(
  requirement: typeof signedIn,
  run: (exchange: Exchange, session: Session, id: string) => Awaitable<Answer>,
): Handler {
  return (exchange, id) => {
    const refused = judgeRequirement(exchange, requirement)
    if (refused !== undefined) return refused
    return exchange.session === null ? problemAnswer('session-required') : run(exchange, exchange.session, id)
  }
}

function currentWire(exchange: Exchange, session: Session): CurrentSessionWire {
  return {
    session: sessionWire(session, session.id),
    csrfToken: exchange.core.engine.csrfToken(session.id),
    ...(session.elevatedUntil === null ? {} : { elevatedUntil: isoTime(session.elevatedUntil) }),
  }
}

function currentSession(exchange: Exchange, session: Session): Answer {
  restoreCsrfCookie(exchange, session)
  return jsonAnswer(200, currentWire(exchange, session))
}

/** A page elsewhere must not sign anyone out, also when the browser kept the cookie to itself. */
async function logout(exchange: Exchange): Promise<Answer> {
  const detail = exchange.sourceProblem()
  if (detail !== undefined) return problemAnswer('csrf-failed', { detail })
  await exchange.signOut()
  return emptyAnswer(204)
}

function readLimit(text: string | null): number | undefined {
  if (text === null) return undefined
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= 200) return limit
  throw invalidField('limit', 'must be a whole number from 1 to 200')
}

/** Throws for a parameter of another name, and for one given twice: which of the two was meant nobody can tell. */
function queryOf(target: string, names: readonly string[]): URLSearchParams {
  const at = target.indexOf('?')
  const query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
  const repeated = names.filter((field) => query.getAll(field).length > 1)
  const fields = [
    ...unknownFields(new Set(query.keys()), names),
    ...repeated.map((field) => ({ field, message: 'must be given once' })),
  ]
  if (fields.length > 0) throw new HoldfastError('invalid-request', { fields })
  return query
}

async function listSessions(exchange: Exchange, session: Session): Promise<Answer> {
  const query = queryOf(exchange.carrier.target, ['limit', 'cursor'])
  const limit = readLimit(query.get('limit'))
  const cursor = query.get('cursor') ?? undefined
  const page = await exchange.core.engine.list({
    subject: session.subject,
    cursor,
    ...(limit === undefined ? {} : { limit }),
  })
  const body: PageWire<SessionWire> = {
    items: page.items.map((item) => sessionWire(item, session.id)),
    ...(page.next === undefined ? {} : { next: page.next }),
  }
  return jsonAnswer(200, body)
}

async function revokeOne(exchange: Exchange, session: Session, id: string): Promise<Answer> {
  if (id === session.id) {
    await exchange.signOut()
    return emptyAnswer(204)
  }
  const { engine } = exchange.core
  const target = sessionIdPattern.test(id) ? await engine.get(id) : undefined
  // Somebody else's session and one that never was get the same answer.
  if (target === undefined || target.subject !== session.subject) return notFound
  await engine.revoke({ session: id }, { reason: 'logout' })
  return emptyAnswer(204)
}

async function revokeOthers(exchange: Exchange, session: Session): Promise<Answer> {
  if (session.subject === null) return problemAnswer('session-required')
  await exchange.core.engine.revoke({ subject: session.subject, except: session.id }, { reason: 'logout' })
  return emptyAnswer(204)
}

const visitFields = ['carrier', 'session']

function readVisit(body: Readonly<Record<string, unknown>>): VisitInput {
  const fields = unknownFields(Object.keys(body), visitFields)
  const { carrier, session }: Record<string, unknown> = { carrier: 'header', session: undefined, ...body }
  if (carrier !== 'header' && carrier !== 'cookie') fields.push({ field: 'carrier', message: 'must be header or cookie' })
  // Refused as a field for its type only: what is no id gets the answer of an id that nobody has.
  if (session !== undefined && typeof session !== 'string') fields.push({ field: 'session', message: 'must be a session id' })
  if (fields.length > 0) throw new HoldfastError('invalid-request', { fields })
  const named = typeof session === 'string' ? { session } : {}
  return { carrier: carrier === 'cookie' ? 'cookie' : 'header', ...named }
}

async function startAnonymous(exchange: Exchange): Promise<Answer> {
  const { outcome, session } = await exchange.visit(readVisit(await readJson(exchange.carrier)))
  return jsonAnswer(outcome === 'created' ? 201 : 200, currentWire(exchange, session))
}

async function issueTicket(exchange: Exchange, session: Session): Promise<Answer> {
  const { core, context } = exchange
  await core.limits.ticket.spendFor(session.id)
  const { ticket, expiresAt } = await core.engine.issueTicket(session, context)
  return jsonAnswer(201, { ticket, expiresAt: isoTime(expiresAt) } satisfies TicketWire)
}

/** `:id` stands for one path segment. */
export const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  '/session': { GET: withSession(anySession, currentSession) },
  '/logout': { POST: logout },
  '/sessions': { GET: withSession(signedIn, listSessions), DELETE: withSession(signedIn, revokeOthers) },
  '/sessions/:id': { DELETE: withSession(signedIn, revokeOne) },
  '/anonymous': { POST: startAnonymous },
  [refreshPath]: { POST: refreshTokens },
  '/ticket': { POST: withSession(anySession, issueTicket) },
}

/** Every method and path that is answered here, for routers that must know their routes beforehand. */
export function mountedPaths(basePath: string): { readonly method: string[]; readonly path: string }[] {
  return Object.entries(routes).map(([path, methods]) => ({ method: allowed(methods).split(', '), path: basePath + path }))
}

const oneSession = '/sessions/'

function find(path: string): { readonly methods: Readonly<Record<string, Handler>>; readonly id: string } | undefined {
  if (Object.hasOwn(routes, path) && !path.includes(':')) return { methods: routes[path] ?? {}, id: '' }
  const id = path.startsWith(oneSession) ? path.slice(oneSession.length) : ''
  return id === '' || id.includes('/') ? undefined : { methods: routes['/sessions/:id'] ?? {}, id }
}

function allowed(methods: Readonly<Record<string, Handler>>): string {
  const names = Object.keys(methods)
  return [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

async function run(handler: Handler, exchange: Exchange, id: string): Promise<Answer> {
  try {
    return await handler(exchange, id)
  } catch (error) {
    const answer = answerFor(error)
    if (answer === undefined) throw error
    return answer
  }
}

/** The answer to a request for one of the routes; `undefined` for any other path, which is the app's. */
export function answerRoute<A extends Attributes>(exchange: Exchange<A>, path: string): Awaitable<Answer | undefined> {
  const { basePath } = exchange.core.settings
  const route = path.startsWith(`${basePath}/`) ? find(path.slice(basePath.length)) : undefined
  if (route === undefined) return undefined
  const { method } = exchange.carrier
  if (method === 'OPTIONS') return emptyAnswer(204, { allow: allowed(route.methods) })
  const name = method === 'HEAD' ? 'GET' : method
  const handler = Object.hasOwn(route.methods, name) ? route.methods[name] : undefined
  if (handler === undefined) return problemAnswer('method-not-allowed', { allow: allowed(route.methods) })
  // The routes read no attributes, so their type is of no concern to them.
  return run(handler, exchange as unknown as Exchange, route.id)
}
