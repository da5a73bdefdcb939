/** Locks that failed sign-ins set, for administrators. */
import { HoldfastError } from 'holdfast'
import { z } from 'zod'
import { usernamesOf } from '../accounts/look-up.ts'
import { idParams, mostPerPage, pageFields } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { lockShape, pageOf } from './shapes.ts'

type Id = { readonly id: string }

interface ListQuery {
  readonly limit?: string | undefined
}

const listQuery: z.ZodType<ListQuery> = z.strictObject({ limit: pageFields.limit })

async function listLocks({ query, services }: Call<undefined, ListQuery>): Promise<unknown> {
  const locks = await services.holdfast.lockouts.list(query.limit === undefined ? mostPerPage : Number(query.limit))
  const names = await usernamesOf(services.accounts, locks)
  const items = locks.map(({ id, kind, source, subject, until }) => {
    return { id, kind, source, subject, username: names.get(subject) ?? null, until: new Date(until).toISOString() }
  })
  return { items }
}

async function liftLock({ params, request, services, account }: Call<undefined, undefined, Id>): Promise<void> {
  const lifted = await services.holdfast.lockouts.lift(params.id)
  if (lifted === undefined) throw new HoldfastError('not-found')
  const { kind, subject } = lifted
  services.securityLog({ kind: 'authn_login_unlock', subject, actor: account.id, ip: request.holdfast.ip, reason: kind })
}

export const adminLockoutRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/admin/lockouts',
    summary: 'Locks that hold, the longest first; a name that no account has is not told',
    access: 'administrator',
    query: listQuery,
    status: 200,
    answer: pageOf(lockShape),
    handle: listLocks,
  }),
  route({
    method: 'DELETE',
    path: '/admin/lockouts/:id',
    summary: 'Lift a lock and forget the failures that led to it',
    access: 'administrator-fresh',
    params: idParams,
    status: 204,
    problems: ['not-found'],
    handle: liftLock,
  }),
]
