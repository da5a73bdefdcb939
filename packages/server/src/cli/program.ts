/** The command line: names and help here, what they do in a file each, loaded when it is called for. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { timeLimit } from '../clock.ts'
import { newSecret } from '../config/secret.ts'
import { addEventCommands } from './events.ts'
import { reportFailure } from './failure.ts'
import { watchOutput } from './output.ts'
import { addSessionCommands } from './sessions.ts'
import { addUserCommands } from './users.ts'

const settingsNote = `
Settings come from the environment and from .env in the working folder; \`init\` writes a commented one.
Passwords are never taken from arguments.`

/** From the manifest of this package, two folders above, in the source and in the build. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
  return manifest.version
}

function createProgram(): Command {
  const program = new Command('holdfast-server')
    .description('Sign-in, sessions and their administration, as a server of its own.')
    .version(version(), '-v, --version', 'print the version')
    .showHelpAfterError()
    .addHelpText('after', settingsNote)
  program
    .command('serve', { isDefault: true })
    .description('run the server (the default)')
    // Whatever names no command comes here, and would be told to be an argument too many.
    .allowExcessArguments()
    .action(async (_options: object, { args: [unknown] }: Command) => {
      if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`)
      await (await import('./serve.ts')).serve()
    })
  program
    .command('init')
    .description('write a commented .env with a new secret; never overwrites')
    .action(async () => (await import('./init.ts')).init())
  program
    .command('keygen')
    .description('print a new signing secret')
    .action(() => console.log(newSecret()))
  addUserCommands(program)
  addSessionCommands(program)
  addEventCommands(program)
  program
    .command('migrate')
    .description('bring the stores to this version’s schema')
    .action(async () => (await import('./migrate.ts')).migrate())
  program
    .command('doctor')
    .description(
      'check configuration, secret, stores, file modes, clock and the chain of events; exit code 1 when something fails',
    )
    .option('--json', 'as JSON')
    .action(async (options: { readonly json?: boolean }) => (await import('./doctor.ts')).doctor(options))
  refuseRepeated(program)
  return program
}

/** Of an option that is given twice the last would count, in silence: of two users named, one would stay signed in. */
function refuseRepeated(command: Command): void {
  for (const option of command.options.filter(({ required }) => required)) {
    let isGiven = false
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: option '${option.flags}' is given twice`)
      isGiven = true
    })
  }
  for (const each of command.commands) refuseRepeated(each)
}

/** For what was printed to be read, in ms. */
const lingerMs = 200

export async function runProgram(argv: readonly string[]): Promise<void> {
  watchOutput()
  try {
    await createProgram().parseAsync([...argv])
  } catch (fault) {
    reportFailure(fault)
    // A driver may keep a connection that is under way for seconds more.
    timeLimit(lingerMs).addEventListener('abort', () => process.exit())
  }
}
