/** Sign-in, and who is signed in. */
import { HoldfastError, sessionWire } from 'holdfast'
import { z } from 'zod'
import { type Account, userWire } from '../accounts/account.ts'
import { isUnchanged, recognise, refreshHash } from '../accounts/sign-in.ts'
import { requireOwnPage } from '../http/source.ts'
import { flagField, loginField, passwordField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { signedInShape, userShape } from './shapes.ts'

interface SignInBody {
  readonly username: string
  readonly password: string
  readonly remember?: boolean | undefined
}

const body: z.ZodType<SignInBody> = z.strictObject({
  username: loginField,
  password: passwordField,
  remember: flagField.optional(),
})

const byPassword = ['pwd'] as const

/** When that cannot be told the new session ends: it was not handed out. */
async function staysUnchanged(request: Call['request'], services: Call['services'], account: Account): Promise<boolean> {
  try {
    return await isUnchanged(services, account)
  } catch (fault) {
    await request.holdfast.signOut()
    throw fault
  }
}

async function signIn({ body, request, services }: Call<SignInBody>): Promise<unknown> {
  requireOwnPage(request)
  const { securityLog } = services
  const ip = request.holdfast.ip
  const recognition = await recognise(services, { login: body.username, password: body.password, request: request.holdfast })
  if (!recognition.recognised) {
    securityLog({ kind: 'authn_login_fail', subject: recognition.account?.id ?? null, ip, reason: recognition.why })
    throw new HoldfastError('invalid-credentials')
  }
  const { account, knownDevice } = recognition
  try {
    await refreshHash(services, account, body.password)
  } catch (fault) {
    request.log.warn({ err: fault }, 'A password hash could not be brought up to date')
  }
  const { session, token } = await request.holdfast.signIn({
    subject: account.id,
    amr: byPassword,
    remember: body.remember ?? false,
  })
  // Disabled, demoted or given a new password while the hash was computed: whoever changed it has ended the
  // sessions that existed then, and this one ends here.
  if (!(await staysUnchanged(request, services, account))) {
    await request.holdfast.signOut()
    securityLog({ kind: 'authn_login_fail', subject: account.id, ip, reason: 'changed-meanwhile' })
    throw new HoldfastError('invalid-credentials')
  }
  securityLog({ kind: 'authn_login_success', subject: account.id, ip, session: session.id })
  if (!knownDevice) securityLog({ kind: 'authn_login_new_device', subject: account.id, ip, session: session.id })
  return { session: sessionWire(session, session.id), user: userWire(account), ...(token === null ? {} : { token }) }
}

export const signInRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/auth/login',
    summary: 'Sign in; sets the session and CSRF cookies',
    access: 'anyone',
    body,
    status: 200,
    answer: signedInShape,
    problems: ['invalid-credentials', 'csrf-failed', 'insecure-transport', 'session-limit', 'account-locked', 'rate-limited'],
    handle: signIn,
  }),
  route({
    method: 'GET',
    path: '/auth/user',
    summary: 'The account that is signed in',
    access: 'subject',
    status: 200,
    answer: z.object({ user: userShape }),
    handle: ({ account }) => ({ user: userWire(account) }),
  }),
]
