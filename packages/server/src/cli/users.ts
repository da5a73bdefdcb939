/** `holdfast-server users …`: accounts from the command line, also before there is an administrator. */
import type { Command } from 'commander'
import { type Account, type Role, roles, type UserWire, userWire } from '../accounts/account.ts'
import { changeAccount, createAccount, removeAccount, setPassword } from '../accounts/administer.ts'
import { emailProblem, usernameProblem } from '../accounts/names.ts'
import type { AccountChange } from '../accounts/store.ts'
import { commandLine } from '../security-log.ts'
import type { Services } from '../services.ts'
import { CommandFailure } from './failure.ts'
import { readNewPassword } from './password-input.ts'
import { type OutputOptions, print, type Row } from './table.ts'
import { withServices } from './with-services.ts'

function rowOf({ id, username, email, role, disabled, createdAt }: UserWire): Row {
  return { id, username, email: email ?? '', role, state: disabled ? 'disabled' : 'enabled', created: createdAt }
}

async function allAccounts({ accounts }: Services): Promise<Account[]> {
  const found: Account[] = []
  let after: string | undefined
  do {
    const page = await accounts.list({ limit: 200, ...(after === undefined ? {} : { after }) })
    found.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return found
}

async function requireAccount({ accounts }: Services, login: string): Promise<Account> {
  const account = (await accounts.get(login)) ?? (await accounts.find(login))
  if (account === undefined) throw new CommandFailure('holdfast-server: there is no account of that name')
  return account
}

function requireRole(text: string): Role {
  const role = roles.find((name) => name === text)
  if (role === undefined) throw new CommandFailure(`holdfast-server: role must be one of ${roles.join(', ')}`)
  return role
}

interface AddOptions {
  readonly email?: string
  readonly role: string
}

async function add(username: string, { email, role }: AddOptions): Promise<void> {
  const problems = [
    ['username', usernameProblem(username)],
    ['email', email === undefined ? undefined : emailProblem(email)],
  ].flatMap(([field, message]) => (message === undefined ? [] : [`holdfast-server: ${field} ${message}`]))
  const checkedRole = requireRole(role)
  if (problems.length > 0) throw new CommandFailure(problems.join('\n'))
  const password = await readNewPassword()
  await withServices(async (services) => {
    const account = await createAccount(services, { username, password, email, role: checkedRole })
    services.securityLog({ kind: 'user_created', subject: account.id, actor: commandLine, outcome: account.role })
    console.log(`Added ${account.username} (${account.role}), id ${account.id}`)
  })
}

async function change(login: string, wanted: AccountChange, done: string): Promise<void> {
  await withServices(async (services) => {
    const account = await requireAccount(services, login)
    const after = await changeAccount(services, account.id, wanted)
    const outcome = Object.keys(wanted).join(' ')
    services.securityLog({ kind: 'user_updated', subject: after.id, actor: commandLine, outcome })
    console.log(`${after.username}: ${done}`)
  })
}

async function changePassword(login: string): Promise<void> {
  const password = await readNewPassword()
  await withServices(async (services) => {
    const account = await requireAccount(services, login)
    await setPassword(services, account, password)
    services.securityLog({ kind: 'authn_password_change', subject: account.id, actor: commandLine })
    console.log(`${account.username}: password set, every session ended`)
  })
}

async function remove(login: string): Promise<void> {
  await withServices(async (services) => {
    const account = await requireAccount(services, login)
    await removeAccount(services, account.id)
    services.securityLog({ kind: 'user_deleted', subject: account.id, actor: commandLine })
    console.log(`${account.username}: deleted, every session and API key ended`)
  })
}

async function list(options: OutputOptions): Promise<void> {
  await withServices(async (services) => {
    const users = (await allAccounts(services)).map(userWire)
    print(users, users.map(rowOf), options)
  })
}

export function addUserCommands(program: Command): void {
  const users = program.command('users').description('list and change accounts')
  users.command('list').description('list every account').option('--json', 'as JSON').action(list)
  users
    .command('add')
    .description('make an account; the password is asked for, or read from standard input')
    .argument('<username>')
    .option('--email <address>', 'also a name to sign in with')
    .option('--role <role>', roles.join(' or '), 'user')
    .action(add)
  users
    .command('disable')
    .description('refuse sign-in and end every session at once')
    .argument('<user>', 'user name, address or id')
    .action((login: string) => change(login, { disabled: true }, 'disabled, every session ended'))
  users
    .command('enable')
    .description('allow sign-in again')
    .argument('<user>', 'user name, address or id')
    .action((login: string) => change(login, { disabled: false }, 'enabled'))
  users
    .command('delete')
    .description('delete the account; its sessions and API keys end at once')
    .argument('<user>', 'user name, address or id')
    .action(remove)
  users
    .command('set-role')
    .description('change the role; a new role ends every session of the account')
    .argument('<user>', 'user name, address or id')
    .argument('<role>', roles.join(' or '))
    .action((login: string, role: string) => change(login, { role: requireRole(role) }, `role is ${role}`))
  users
    .command('set-password')
    .description('set a password and end every session; it is asked for, or read from standard input')
    .argument('<user>', 'user name, address or id')
    .action(changePassword)
}
