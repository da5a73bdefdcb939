/** `holdfast-server sessions …`: see and end sessions from the command line. */
import type { Command } from 'commander'
import { type RevokeSelector, type Session, type SessionWire, sessionWire } from 'holdfast'
import { usernamesOf } from '../accounts/look-up.ts'
import { commandLine } from '../security-log.ts'
import type { Services } from '../services.ts'
import { CommandFailure } from './failure.ts'
import { type OutputOptions, print, type Row } from './table.ts'
import { withServices } from './with-services.ts'

interface ListOptions extends OutputOptions {
  readonly user?: string
  readonly all?: boolean
}
interface RevokeOptions {
  readonly user?: string
  readonly everyone?: boolean
}
type NamedSession = SessionWire & { readonly username: string | null }

async function requireSubject({ accounts }: Services, login: string): Promise<string> {
  const account = (await accounts.get(login)) ?? (await accounts.find(login))
  if (account === undefined) throw new CommandFailure('holdfast-server: there is no account of that name')
  return account.id
}

async function allSessions(services: Services, { user, all = false }: ListOptions): Promise<Session[]> {
  const subject = user === undefined ? {} : { subject: await requireSubject(services, user) }
  const found: Session[] = []
  let cursor: string | undefined
  do {
    const page = await services.holdfast.list({ ...subject, liveOnly: !all, cursor, limit: 200 })
    found.push(...page.items)
    cursor = page.next
  } while (cursor !== undefined)
  return found
}

function rowOf(session: NamedSession): Row {
  return {
    id: session.id,
    user: session.username ?? session.subject ?? '(anonymous)',
    client: session.label,
    ip: session.ip ?? '',
    created: session.createdAt,
    seen: session.seenAt,
    ended: session.reason ?? '',
  }
}

async function list(options: ListOptions): Promise<void> {
  await withServices(async (services) => {
    const found = await allSessions(services, options)
    const names = await usernamesOf(services.accounts, found)
    const sessions = found.map((session): NamedSession => {
      return { ...sessionWire(session, null), username: names.get(session.subject) ?? null }
    })
    print(sessions, sessions.map(rowOf), options)
  })
}

async function endEveryone({ holdfast, securityLog }: Services): Promise<void> {
  await holdfast.revokeAll()
  securityLog({ kind: 'authz_admin', actor: commandLine, outcome: 'everyone-out' })
  console.log('Every session ended')
}

async function endSome(services: Services, target: RevokeSelector): Promise<void> {
  if ('session' in target && (await services.holdfast.get(target.session)) === undefined) {
    throw new CommandFailure('holdfast-server: there is no session of that id')
  }
  const { revoked } = await services.holdfast.revoke(target, { reason: 'admin' })
  const event =
    'session' in target
      ? { session: target.session, outcome: 'session-ended' }
      : { subject: target.subject, outcome: 'sessions-ended' }
  services.securityLog({ kind: 'authz_admin', actor: commandLine, ...event })
  console.log(revoked.length === 1 ? '1 session ended' : `${revoked.length} sessions ended`)
}

async function revoke(id: string | undefined, { user, everyone = false }: RevokeOptions): Promise<void> {
  const named = [id !== undefined, user !== undefined, everyone].filter(Boolean).length
  if (named !== 1) throw new CommandFailure('holdfast-server: name a session id, or --user, or --everyone: one of them')
  await withServices(async (services) => {
    if (everyone) return endEveryone(services)
    if (id !== undefined) return endSome(services, { session: id })
    return endSome(services, { subject: await requireSubject(services, user ?? '') })
  })
}

export function addSessionCommands(program: Command): void {
  const sessions = program.command('sessions').description('list and end sessions')
  sessions
    .command('list')
    .description('list live sessions, newest first')
    .option('--user <user>', 'only of this user name, address or id')
    .option('--all', 'ended ones too, while they are kept')
    .option('--json', 'as JSON')
    .action(list)
  sessions
    .command('revoke')
    .description('end one session, all of one user, or everyone’s')
    .argument('[id]', 'session id')
    .option('--user <user>', 'every session of this user name, address or id')
    .option('--everyone', 'every session there is')
    .action(revoke)
}
