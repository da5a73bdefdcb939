/** Commands that work on the stores directly, beside a running server or without one. */
import { type Config, readConfig } from '../config/config.ts'
import { createLogger } from '../logging.ts'
import { storageProblems } from '../preflight.ts'
import { openServices, type Services } from '../services.ts'
import { refuse } from './failure.ts'

/** The configuration of the working folder. Throws with every problem. */
export function requireConfig(): Config {
  const result = readConfig(process.env, process.cwd())
  if (result.problems !== undefined) throw refuse(result.problems)
  return result.config
}

/** The same, of which the stores can be used. */
export async function requireUsableConfig(): Promise<Config> {
  const config = requireConfig()
  const problems = await storageProblems(config)
  if (problems.length > 0) throw refuse(problems)
  return config
}

export async function withServices<T>(run: (services: Services) => Promise<T>): Promise<T> {
  const config = await requireUsableConfig()
  // What a command prints is its answer; only what goes wrong is logged beside it.
  const services = await openServices(config, createLogger({ format: 'json', level: 'warn' }, process.stderr), {
    logsEvents: false,
  })
  try {
    return await run(services)
  } finally {
    await services.close()
  }
}
