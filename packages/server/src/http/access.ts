/** Who may call a route: decided before its input is even read. */
import type { FastifyRequest, preHandlerHookHandler } from 'fastify'
import { HoldfastError } from 'holdfast'
import { requireSession } from 'holdfast/adapters/fastify'
import type { Account } from '../accounts/account.ts'
import type { Access } from '../routes/route.ts'
import type { Services } from '../services.ts'

/** How long ago a caller may have proved who they are, for what is sensitive. */
export const freshness = '10m'

const callers: WeakMap<FastifyRequest, Account> = new WeakMap()

/** The account that a request acts for; `undefined` on routes that are open to anyone. */
export function callerOf(request: FastifyRequest): Account | undefined {
  return callers.get(request)
}

/** Reads the account at each request: disabling and a change of role hold at once, whatever became of the sessions. */
function loadAccount({ accounts }: Services): preHandlerHookHandler {
  return async (request) => {
    const { subject } = request.holdfast
    const account = subject === null ? undefined : await accounts.get(subject)
    if (account === undefined || account.disabled) throw new HoldfastError('session-revoked')
    callers.set(request, account)
  }
}

function requireAdministrator({ securityLog }: Services): preHandlerHookHandler {
  return async (request) => {
    const account = callers.get(request)
    if (account?.role === 'admin') return
    const path = request.routeOptions.url ?? ''
    securityLog({ kind: 'authz_fail', subject: account?.id ?? null, ip: request.ip, object: `${request.method} ${path}` })
    throw new HoldfastError('forbidden')
  }
}

export function guardsFor(access: Access, services: Services): preHandlerHookHandler[] {
  const subject = [requireSession(), loadAccount(services)]
  const administrator = [...subject, requireAdministrator(services)]
  const fresh = requireSession({ freshness })
  const table: Readonly<Record<Access, preHandlerHookHandler[]>> = {
    anyone: [],
    subject,
    'subject-fresh': [...subject, fresh],
    administrator,
    'administrator-fresh': [...administrator, fresh],
  }
  return table[access]
}
