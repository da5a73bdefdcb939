/** Accounts, for administrators. */
import { HoldfastError } from 'holdfast'
import { z } from 'zod'
import { type Role, userWire } from '../accounts/account.ts'
import { changeAccount, createAccount, removeAccount } from '../accounts/administer.ts'
import { loginKey } from '../accounts/names.ts'
import {
  emailField,
  flagField,
  idParams,
  pageFields,
  pageLimit,
  passwordField,
  roleField,
  textField,
  usernameField,
} from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { pageOf, revokedShape, userShape } from './shapes.ts'

interface CreateBody {
  readonly username: string
  readonly password: string
  readonly email?: string | undefined
  readonly role?: Role | undefined
}
interface ChangeBody {
  readonly disabled?: boolean | undefined
  readonly role?: Role | undefined
  readonly email?: string | null | undefined
}
interface ListQuery {
  readonly search?: string | undefined
  readonly cursor?: string | undefined
  readonly limit?: string | undefined
}
type Id = { readonly id: string }

/** A name as names are compared: what a page ends with, and the next begins behind. */
const isCursor = (text: string): boolean => loginKey(text) === text && !/\p{C}/u.test(text)
const listQuery: z.ZodType<ListQuery> = z.strictObject({
  search: textField(128).optional(),
  ...pageFields,
  cursor: textField(512).refine(isCursor, { error: 'must be one that a list gave' }).optional(),
})

const createBody: z.ZodType<CreateBody> = z.strictObject({
  username: usernameField,
  password: passwordField,
  email: emailField.optional(),
  role: roleField.optional(),
})
const changeBody: z.ZodType<ChangeBody> = z
  .strictObject({ disabled: flagField.optional(), role: roleField.optional(), email: emailField.nullable().optional() })
  .refine((body) => Object.keys(body).length > 0, { error: 'must name something to change' })

const answer = z.object({ user: userShape })
const shared = { params: idParams, answer } as const

function logChange(
  { services, request, account }: Call,
  kind: 'user_created' | 'user_updated' | 'user_deleted',
  subject: string,
  outcome: string | null,
): void {
  services.securityLog({ kind, subject, actor: account.id, ip: request.holdfast.ip, outcome })
}

async function listUsers({ query, services }: Call<undefined, ListQuery>): Promise<unknown> {
  const page = await services.accounts.list({
    limit: pageLimit(query.limit),
    ...(query.search === undefined ? {} : { search: query.search }),
    ...(query.cursor === undefined ? {} : { after: query.cursor }),
  })
  return { items: page.items.map(userWire), ...(page.next === undefined ? {} : { next: page.next }) }
}

async function createUser(call: Call<CreateBody>): Promise<unknown> {
  const created = await createAccount(call.services, call.body)
  logChange(call, 'user_created', created.id, created.role)
  return { user: userWire(created) }
}

async function getUser({ params, services }: Call<undefined, undefined, Id>): Promise<unknown> {
  const found = await services.accounts.get(params.id)
  if (found === undefined) throw new HoldfastError('not-found')
  return { user: userWire(found) }
}

async function changeUser(call: Call<ChangeBody, undefined, Id>): Promise<unknown> {
  const { disabled, role, email } = call.body
  const after = await changeAccount(call.services, call.params.id, {
    ...(disabled === undefined ? {} : { disabled }),
    ...(role === undefined ? {} : { role }),
    ...(email === undefined ? {} : { email }),
  })
  logChange(call, 'user_updated', after.id, Object.keys(call.body).join(' '))
  return { user: userWire(after) }
}

async function deleteUser(call: Call<undefined, undefined, Id>): Promise<void> {
  await removeAccount(call.services, call.params.id)
  logChange(call, 'user_deleted', call.params.id, null)
}

async function endUserSessions({ params, services, request, account }: Call<undefined, undefined, Id>): Promise<unknown> {
  if ((await services.accounts.get(params.id)) === undefined) throw new HoldfastError('not-found')
  const { revoked, durable } = await services.holdfast.revoke({ subject: params.id }, { reason: 'admin' })
  services.securityLog({
    kind: 'authz_admin',
    subject: params.id,
    actor: account.id,
    ip: request.holdfast.ip,
    outcome: 'sessions-ended',
  })
  return { revoked: revoked.length, durable }
}

export const adminUserRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/admin/users',
    summary: 'Accounts by user name; search by part of a name or address',
    access: 'administrator',
    query: listQuery,
    status: 200,
    answer: pageOf(userShape),
    handle: listUsers,
  }),
  route({
    method: 'POST',
    path: '/admin/users',
    summary: 'Make an account',
    access: 'administrator-fresh',
    body: createBody,
    status: 201,
    answer,
    problems: ['conflict', 'rate-limited'],
    handle: createUser,
  }),
  route({
    ...shared,
    method: 'GET',
    path: '/admin/users/:id',
    summary: 'One account',
    access: 'administrator',
    status: 200,
    problems: ['not-found'],
    handle: getUser,
  }),
  route({
    ...shared,
    method: 'PATCH',
    path: '/admin/users/:id',
    summary: 'Change role, address or disabling; disabling and a new role end every session of the account',
    access: 'administrator-fresh',
    body: changeBody,
    status: 200,
    problems: ['not-found', 'conflict'],
    handle: changeUser,
  }),
  route({
    method: 'DELETE',
    path: '/admin/users/:id',
    summary: 'Delete an account; its sessions end',
    access: 'administrator-fresh',
    params: idParams,
    status: 204,
    problems: ['not-found', 'conflict'],
    handle: deleteUser,
  }),
  route({
    method: 'DELETE',
    path: '/admin/users/:id/sessions',
    summary: 'End every session of an account',
    access: 'administrator-fresh',
    params: idParams,
    status: 200,
    answer: revokedShape,
    problems: ['not-found'],
    handle: endUserSessions,
  }),
]
