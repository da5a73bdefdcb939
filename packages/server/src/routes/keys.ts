/** API keys: of the account that calls, and of everyone for administrators. A token is in one answer only, that of its making. */
import { HoldfastError, invalidField } from 'holdfast'
import type { ApiKey } from 'holdfast/defence/api-keys'
import { z } from 'zod'
import { activeAccount } from '../accounts/look-up.ts'
import type { Services } from '../services.ts'
import { idParams, pageFields, pageLimit, textField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { pageOf } from './shapes.ts'

interface KeyBody {
  readonly name: string
  readonly scopes?: readonly string[] | undefined
  readonly networks?: readonly string[] | undefined
  readonly expiresAt?: string | undefined
}
interface AnyKeyBody extends KeyBody {
  readonly owner: string
  readonly token?: string | undefined
}
interface OwnQuery {
  readonly cursor?: string | undefined
  readonly limit?: string | undefined
}
interface EveryQuery extends OwnQuery {
  readonly owner?: string | undefined
}
type Id = { readonly id: string }

const keyShape: z.ZodType = z.object({
  id: z.string(),
  owner: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  networks: z.array(z.string()),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  lastUsedAt: z.iso.datetime().optional(),
  lastUsedIp: z.string().optional(),
  revokedAt: z.iso.datetime().optional(),
})

const entries = (longest: number) =>
  z.array(textField(longest), { error: 'must be a list of texts' }).max(32, { error: 'must have at most 32 entries' })
const keyFields = {
  name: textField(100),
  scopes: entries(64).optional(),
  networks: entries(64).optional(),
  expiresAt: z.iso.datetime({ error: 'must be a time such as 2030-01-31T12:00:00Z' }).optional(),
}
const keyBody: z.ZodType<KeyBody> = z.strictObject(keyFields)
const anyKeyBody: z.ZodType<AnyKeyBody> = z.strictObject({
  ...keyFields,
  owner: textField(256),
  token: textField(512).optional(),
})

function timed<Name extends string>(name: Name, at: number | null): { readonly [Key in Name]?: string } {
  return at === null ? {} : ({ [name]: new Date(at).toISOString() } as { readonly [Key in Name]: string })
}

function keyWire({ lastUsedIp, createdAt, expiresAt, lastUsedAt, revokedAt, ...key }: ApiKey): object {
  return {
    ...key,
    createdAt: new Date(createdAt).toISOString(),
    ...timed('expiresAt', expiresAt),
    ...timed('lastUsedAt', lastUsedAt),
    ...(lastUsedIp === null ? {} : { lastUsedIp }),
    ...timed('revokedAt', revokedAt),
  }
}

const cursorPattern = /^(\d{1,15})\.([\w-]{1,128})$/

function cursorOf(text: string | undefined): { readonly after?: { readonly createdAt: number; readonly id: string } } {
  if (text === undefined) return {}
  const [, createdAt, id] = cursorPattern.exec(text) ?? []
  if (createdAt === undefined || id === undefined) throw invalidField('cursor', 'must be one that a list gave')
  return { after: { createdAt: Number(createdAt), id } }
}

async function list({ apiKeys }: Services, { owner, cursor, limit }: EveryQuery): Promise<unknown> {
  const query = { ...(owner === undefined ? {} : { owner }), ...cursorOf(cursor), limit: pageLimit(limit) }
  const { items, next } = await apiKeys.list(query)
  return { items: items.map(keyWire), ...(next === undefined ? {} : { next: `${next.createdAt}.${next.id}` }) }
}

function inputOf(owner: string, { name, scopes = [], networks = [], expiresAt }: KeyBody) {
  return { owner, name, scopes, networks, expiresAt: expiresAt === undefined ? null : Date.parse(expiresAt) }
}

async function makeKey({ body, services, account }: Call<KeyBody>): Promise<unknown> {
  const { key, token } = await services.apiKeys.create(inputOf(account.id, body))
  return { key: keyWire(key), token }
}

/** For another account; with a token, one that was made elsewhere, which no answer repeats. */
async function makeAnyKey({ body, request, services, account }: Call<AnyKeyBody>): Promise<unknown> {
  const { owner, token: imported, ...rest } = body
  const { accounts, apiKeys, config, securityLog } = services
  if (imported !== undefined && !config.importedKeys) {
    throw invalidField('token', 'is not taken: the server does not accept imported keys (HOLDFAST_IMPORTED_KEYS)')
  }
  if ((await activeAccount(accounts, owner)) === undefined) throw invalidField('owner', 'must be the id of an enabled account')
  const input = inputOf(owner, rest)
  const made = imported === undefined ? await apiKeys.create(input) : { key: await apiKeys.import({ ...input, token: imported }) }
  const outcome = imported === undefined ? 'api-key-made' : 'api-key-imported'
  securityLog({ kind: 'authz_admin', subject: owner, actor: account.id, ip: request.holdfast.ip, outcome })
  return { ...made, key: keyWire(made.key) }
}

async function endOwnKey({ params, services, account }: Call<undefined, undefined, Id>): Promise<void> {
  if (!(await services.apiKeys.revoke(params.id, { owner: account.id }))) throw new HoldfastError('not-found')
}

async function endAnyKey({ params, request, services, account }: Call<undefined, undefined, Id>): Promise<void> {
  if (!(await services.apiKeys.revoke(params.id))) throw new HoldfastError('not-found')
  services.securityLog({
    kind: 'authz_admin',
    subject: null,
    actor: account.id,
    ip: request.holdfast.ip,
    outcome: 'api-key-ended',
  })
}

export const keyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/auth/keys',
    summary: 'Your API keys, newest first',
    access: 'subject',
    query: z.strictObject(pageFields) as z.ZodType<OwnQuery>,
    status: 200,
    answer: pageOf(keyShape),
    handle: ({ query, services, account }: Call<undefined, OwnQuery>) => list(services, { ...query, owner: account.id }),
  }),
  route({
    method: 'POST',
    path: '/auth/keys',
    summary: 'Make an API key: its token is in this answer only',
    access: 'subject-fresh',
    body: keyBody,
    status: 201,
    answer: z.object({ key: keyShape, token: z.string() }),
    problems: ['conflict'],
    handle: makeKey,
  }),
  route({
    method: 'DELETE',
    path: '/auth/keys/:id',
    summary: 'End one of your API keys',
    access: 'subject-fresh',
    params: idParams,
    status: 204,
    problems: ['not-found'],
    handle: endOwnKey,
  }),
  route({
    method: 'GET',
    path: '/admin/keys',
    summary: "Everyone's API keys, newest first",
    access: 'administrator',
    query: z.strictObject({ owner: textField(256).optional(), ...pageFields }) as z.ZodType<EveryQuery>,
    status: 200,
    answer: pageOf(keyShape),
    handle: ({ query, services }: Call<undefined, EveryQuery>) => list(services, query),
  }),
  route({
    method: 'POST',
    path: '/admin/keys',
    summary: 'Make an API key for an account, or import one that was made elsewhere',
    access: 'administrator-fresh',
    body: anyKeyBody,
    status: 201,
    answer: z.object({ key: keyShape, token: z.string().optional() }),
    problems: ['conflict'],
    handle: makeAnyKey,
  }),
  route({
    method: 'DELETE',
    path: '/admin/keys/:id',
    summary: 'End an API key',
    access: 'administrator-fresh',
    params: idParams,
    status: 204,
    problems: ['not-found'],
    handle: endAnyKey,
  }),
]
