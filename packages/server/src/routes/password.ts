/** What a signed-in subject does with its password: prove itself again, change it. */
import { HoldfastError, sessionWire } from 'holdfast'
import { z } from 'zod'
import { userWire } from '../accounts/account.ts'
import { changeOwnPassword, orEndAll } from '../accounts/administer.ts'
import { confirms } from '../accounts/sign-in.ts'
import { passwordField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { sessionShape, signedInShape } from './shapes.ts'

interface ProofBody {
  readonly password: string
}
interface ChangeBody {
  readonly currentPassword: string
  readonly newPassword: string
}

async function reauthenticate({ body, request, services, account }: Call<ProofBody>): Promise<unknown> {
  const matches = await confirms(services, account, body.password, request.holdfast)
  const event = { subject: account.id, ip: request.holdfast.ip, session: request.holdfast.session?.id ?? null }
  if (!matches) {
    services.securityLog({ kind: 'authn_reauthenticate_fail', ...event })
    throw new HoldfastError('invalid-credentials')
  }
  const { session, token } = await request.holdfast.elevate({ amr: ['pwd'] })
  services.securityLog({ kind: 'authn_reauthenticate_success', ...event })
  return {
    session: sessionWire(session, session.id),
    ...(session.elevatedUntil === null ? {} : { elevatedUntil: new Date(session.elevatedUntil).toISOString() }),
    ...(token === null ? {} : { token }),
  }
}

async function changePassword({ body, request, services, account }: Call<ChangeBody>): Promise<unknown> {
  const asking = request.holdfast.session
  if (asking === null) throw new HoldfastError('session-required')
  const event = { subject: account.id, ip: request.holdfast.ip, session: asking.id }
  if (!(await confirms(services, account, body.currentPassword, request.holdfast))) {
    services.securityLog({ kind: 'authn_password_change_fail', ...event })
    throw new HoldfastError('invalid-credentials')
  }
  await changeOwnPassword(services, { account, newPassword: body.newPassword, session: asking.id })
  services.securityLog({ kind: 'authn_password_change', ...event })
  const { session, token, refreshToken } = await orEndAll(services, account.id, () => request.holdfast.regenerate())
  return {
    session: sessionWire(session, session.id),
    user: userWire(account),
    ...(token === null ? {} : { token }),
    ...(typeof refreshToken === 'string' ? { refresh_token: refreshToken } : {}),
  }
}

export const passwordRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/auth/reauthenticate',
    summary: 'Prove again who you are: a step-up for ten minutes',
    access: 'subject',
    body: z.strictObject({ password: passwordField }) satisfies z.ZodType<ProofBody>,
    status: 200,
    answer: z.object({ session: sessionShape, elevatedUntil: z.iso.datetime().optional() }),
    problems: ['invalid-credentials', 'account-locked', 'rate-limited'],
    handle: reauthenticate,
  }),
  route({
    method: 'POST',
    path: '/auth/password',
    summary: 'Change the password: every other session ends, this one gets a new secret',
    access: 'subject-fresh',
    body: z.strictObject({ currentPassword: passwordField, newPassword: passwordField }) satisfies z.ZodType<ChangeBody>,
    status: 200,
    answer: signedInShape,
    problems: ['invalid-credentials', 'conflict', 'account-locked', 'rate-limited'],
    handle: changePassword,
  }),
]
