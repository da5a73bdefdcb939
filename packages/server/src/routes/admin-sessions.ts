/** Sessions of everyone, for administrators. */
import { HoldfastError, sessionWire } from 'holdfast'
import { z } from 'zod'
import { usernamesOf } from '../accounts/look-up.ts'
import type { Services } from '../services.ts'
import { idParams, loginField, pageFields, pageLimit, textField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { namedSessionShape, pageOf } from './shapes.ts'

interface ListQuery {
  readonly subject?: string | undefined
  readonly username?: string | undefined
  readonly live?: 'true' | 'false' | undefined
  readonly cursor?: string | undefined
  readonly limit?: string | undefined
}
type Id = { readonly id: string }

const listQuery: z.ZodType<ListQuery> = z
  .strictObject({
    subject: textField(256).optional(),
    username: loginField.optional(),
    live: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
    ...pageFields,
  })
  .refine(({ subject, username }) => subject === undefined || username === undefined, {
    error: 'must not be given beside subject',
    path: ['username'],
  })

async function subjectOf({ accounts }: Services, { subject, username }: ListQuery): Promise<string | undefined> {
  if (username === undefined) return subject
  return (await accounts.find(username))?.id
}

async function listSessions({ query, request, services }: Call<undefined, ListQuery>): Promise<unknown> {
  const subject = await subjectOf(services, query)
  if (query.username !== undefined && subject === undefined) return { items: [] }
  const page = await services.holdfast.list({
    ...(subject === undefined ? {} : { subject }),
    liveOnly: query.live !== 'false',
    cursor: query.cursor,
    limit: pageLimit(query.limit),
  })
  const names = await usernamesOf(services.accounts, page.items)
  const current = request.holdfast.session?.id ?? null
  const items = page.items.map((session) => ({
    ...sessionWire(session, current),
    username: names.get(session.subject) ?? null,
  }))
  return { items, ...(page.next === undefined ? {} : { next: page.next }) }
}

async function endSession({ params, request, services, account }: Call<undefined, undefined, Id>): Promise<void> {
  const target = await services.holdfast.get(params.id)
  if (target === undefined) throw new HoldfastError('not-found')
  await services.holdfast.revoke({ session: target.id }, { reason: 'admin' })
  const event = { subject: target.subject, actor: account.id, ip: request.holdfast.ip, session: target.id }
  services.securityLog({ kind: 'authz_admin', ...event, outcome: 'session-ended' })
}

async function everyoneOut({ request, services, account }: Call): Promise<unknown> {
  const { durable } = await services.holdfast.revokeAll()
  services.securityLog({
    kind: 'authz_admin',
    subject: null,
    actor: account.id,
    ip: request.holdfast.ip,
    outcome: 'everyone-out',
  })
  return { durable }
}

export const adminSessionRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/admin/sessions',
    summary: 'Sessions, newest first; live ones unless live=false',
    access: 'administrator',
    query: listQuery,
    status: 200,
    answer: pageOf(namedSessionShape),
    handle: listSessions,
  }),
  route({
    method: 'DELETE',
    path: '/admin/sessions/:id',
    summary: 'End a session',
    access: 'administrator-fresh',
    params: idParams,
    status: 204,
    problems: ['not-found'],
    handle: endSession,
  }),
  route({
    method: 'POST',
    path: '/admin/everyone-out',
    summary: 'End every session, this one too',
    access: 'administrator-fresh',
    body: z.strictObject({}).optional() as z.ZodType<undefined>,
    status: 200,
    answer: z.object({ durable: z.boolean() }),
    handle: (call) => everyoneOut(call),
  }),
]
