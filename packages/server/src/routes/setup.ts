/** Set-up: whether it is needed, and the first administrator, once. */
import { HoldfastError } from 'holdfast'
import { z } from 'zod'
import { userWire } from '../accounts/account.ts'
import { createAccount } from '../accounts/administer.ts'
import { requireOwnPage } from '../http/source.ts'
import { passwordField, textField, usernameField } from './fields.ts'
import { type Route, route } from './route.ts'
import { userShape } from './shapes.ts'

interface SetupBody {
  readonly token: string
  readonly username: string
  readonly password: string
}

const body: z.ZodType<SetupBody> = z.strictObject({ token: textField(256), username: usernameField, password: passwordField })

const refusals = {
  wrong: 'The set-up token is not right',
  expired: 'The set-up token has expired; restart the server for a new one',
} as const

export const setupRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/auth/setup',
    summary: 'Whether the first administrator is still to be made',
    access: 'anyone',
    status: 200,
    answer: z.object({ needed: z.boolean() }),
    handle: async ({ services }) => ({ needed: await services.setup.isNeeded() }),
  }),
  route({
    method: 'POST',
    path: '/auth/setup',
    summary: 'Make the first administrator, with the one-time token that the server printed',
    access: 'anyone',
    body,
    status: 201,
    answer: z.object({ user: userShape }),
    problems: ['csrf-failed', 'forbidden', 'conflict', 'rate-limited'],
    async handle({ body: { token, username, password }, request, services }) {
      requireOwnPage(request)
      await services.holdfast.http.limits.attempt.spend(request.holdfast.ip)
      const verdict = services.setup.judge(token)
      if (verdict !== 'right') {
        services.securityLog({ kind: 'setup_refused', subject: null, ip: request.holdfast.ip, reason: verdict })
        throw new HoldfastError('forbidden', { detail: refusals[verdict] })
      }
      // Before hashing, so that the token is no way to keep the processor busy once it is spent.
      if (!(await services.setup.isNeeded())) throw new HoldfastError('conflict', { detail: 'Set-up is done already' })
      const account = await createAccount(services, { username, password, role: 'admin' }, true)
      services.securityLog({
        kind: 'user_created',
        subject: account.id,
        ip: request.holdfast.ip,
        outcome: 'first-administrator',
      })
      return { user: userWire(account) }
    },
  }),
]
