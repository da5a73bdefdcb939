/** `holdfast-server serve`: the default command. */
import { createLogger, type Logger } from '../logging.ts'
import { shortestPassword } from '../passwords/policy.ts'
import { listenProblem, preflight } from '../preflight.ts'
import { type RunningServer, startServer } from '../server.ts'
import { setupLifetimeMs } from '../setup.ts'
import { refuse, reportFailure } from './failure.ts'
import { requireConfig } from './with-services.ts'

/** Too short to be taken: whoever runs the printed command as it is gets no administrator whose password everybody knows. */
const placeholder = 'YOUR PASSWORD'

async function announceSetup({ services, address }: RunningServer): Promise<void> {
  const { setup, config } = services
  if (!(await setup.isNeeded())) return
  const origin = config.url?.origin ?? address
  // A token that the operator chose is theirs to know; only one made here has to be shown.
  const token = config.setupToken === undefined ? setup.token : '(the token given as HOLDFAST_SETUP_TOKEN)'
  const body = JSON.stringify({ token, username: 'admin', password: placeholder })
  const minutes = setupLifetimeMs / 60_000
  // Standard error and not the log: a log is kept, and read by more people than may become administrator.
  console.error(
    [
      '',
      `There is no administrator yet. Within ${minutes} minutes, make the first one, with a password of at least`,
      `${shortestPassword} characters in place of ${placeholder}:`,
      `  curl -H 'content-type: application/json' -d '${body}' ${origin}/auth/setup`,
      '',
    ].join('\n'),
  )
}

function stopOnSignals(server: RunningServer, logger: Logger): void {
  let asked = false
  const stop = (signal: NodeJS.Signals) => {
    if (asked) {
      logger.warn({ signal }, 'Stopping at once')
      process.exit(1)
    }
    asked = true
    logger.info({ signal }, 'Stopping')
    server.stop().then(
      () => {
        logger.info('Stopped')
        // A clean end: nothing of ours is left, and a stray handle of a library must not keep the process.
        process.exit(0)
      },
      (fault: unknown) => {
        logger.error({ err: fault }, 'Stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function surviveFaults(logger: Logger): void {
  process.on('unhandledRejection', (fault) => logger.error({ err: fault }, 'A promise failed with nobody waiting for it'))
  // After an uncaught exception no state can be trusted; a supervisor starts the server again.
  process.on('uncaughtException', (fault) => {
    logger.fatal({ err: fault }, 'An exception that nobody caught')
    process.exit(1)
  })
}

export async function serve(): Promise<void> {
  const config = requireConfig()
  const problems = await preflight(config)
  if (problems.length > 0) throw refuse(problems)
  const logger = createLogger(config.log)
  surviveFaults(logger)
  let server: RunningServer
  try {
    server = await startServer(config, logger)
  } catch (fault) {
    const problem = listenProblem(fault, config.host, config.port)
    throw problem === undefined ? fault : refuse([problem])
  }
  stopOnSignals(server, logger)
  await announceSetup(server).catch(reportFailure)
}
