/** Who may call a route: decided before its input is even read. */
import type { FastifyRequest, preHandlerHookHandler } from 'fastify'
import { HoldfastError } from 'holdfast'
import { requireApiKey, requireSession } from 'holdfast/adapters/fastify'
import type { Account } from '../accounts/account.ts'
import { activeAccount } from '../accounts/look-up.ts'
import { publicOrigin } from '../config/config.ts'
import type { Access } from '../routes/route.ts'
import type { Services } from '../services.ts'
import { anyClient, clientWithScope } from './clients.ts'

/** How long ago a caller may have proved who they are, for what is sensitive. */
export const freshness = '10m'

/** What an API key must be for to ask about tokens. */
export const introspectScope = 'introspect'

const callers: WeakMap<FastifyRequest, Account> = new WeakMap()

/** The account that a request acts for; `undefined` on routes that are open to anyone. */
export function callerOf(request: FastifyRequest): Account | undefined {
  return callers.get(request)
}

/** Reads the account at each request: disabling and a change of role hold at once, whatever became of the sessions. */
function loadAccount({ accounts, config }: Services): preHandlerHookHandler {
  return async (request) => {
    const { subject, session } = request.holdfast
    // A token that was made for another service opens nothing here, although whoever runs that one can see it.
    const audience = session?.grant?.audience ?? null
    if (audience !== null && audience !== publicOrigin(config)) throw new HoldfastError('session-required')
    const account = await activeAccount(accounts, subject)
    if (account === undefined) throw new HoldfastError('session-revoked')
    callers.set(request, account)
  }
}

function requireAdministrator({ securityLog }: Services): preHandlerHookHandler {
  return async (request) => {
    const account = callers.get(request)
    if (account?.role === 'admin') return
    const path = request.routeOptions.url ?? ''
    securityLog({
      kind: 'authz_fail',
      subject: account?.id ?? null,
      ip: request.holdfast.ip,
      object: `${request.method} ${path}`,
    })
    throw new HoldfastError('forbidden')
  }
}

/** What the key of a program that reads the metrics is for. */
export const metricsScope = 'metrics'

/** A Bearer credential that is no session's: a key, or something that is meant to be one. */
function presentsKey(request: FastifyRequest): boolean {
  const { verdict } = request.holdfast
  return /^bearer /i.test(request.headers.authorization ?? '') && verdict.status === 'dead' && verdict.reason === 'missing'
}

function when(applies: (request: FastifyRequest) => boolean, guard: preHandlerHookHandler): preHandlerHookHandler {
  return function (request, reply, done) {
    if (!applies(request)) return done()
    return guard.call(this, request, reply, done)
  }
}

/** A key says what its owner allowed it; the owner must be allowed that too, for anyone can make a key of any scope. */
function loadOwner({ accounts }: Services): preHandlerHookHandler {
  return async (request) => {
    const account = await activeAccount(accounts, request.holdfast.apiKey?.owner)
    if (account !== undefined) callers.set(request, account)
  }
}

export function guardsFor(access: Access, services: Services): preHandlerHookHandler[] {
  const subject = [requireSession(), loadAccount(services)]
  const administrator = [...subject, requireAdministrator(services)]
  const fresh = requireSession({ freshness })
  const byKey = requireApiKey(services.apiKeys, { scopes: [metricsScope] }) as preHandlerHookHandler
  const bySession = (request: FastifyRequest) => !presentsKey(request)
  const table: Readonly<Record<Access, preHandlerHookHandler[]>> = {
    anyone: [],
    subject,
    'subject-fresh': [...subject, fresh],
    administrator,
    'administrator-fresh': [...administrator, fresh],
    monitor: [
      ...[byKey, loadOwner(services), requireAdministrator(services)].map((guard) => when(presentsKey, guard)),
      ...administrator.map((guard) => when(bySession, guard)),
    ],
    client: [anyClient(services)],
    introspector: [clientWithScope(services, introspectScope)],
  }
  return table[access]
}
