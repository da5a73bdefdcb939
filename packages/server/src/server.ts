/** The running server: started from a configuration, stopped without cutting anyone off. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type App, createApp } from './app.ts'
import { pause, within } from './clock.ts'
import type { Config } from './config/config.ts'
import type { Logger } from './logging.ts'
import { openServices, type ServiceOverrides, type Services } from './services.ts'

/** Requests under way may take this long to finish when the server stops. */
const drainLimitMs = 10_000

export interface RunningServer {
  readonly app: FastifyInstance
  readonly services: Services
  /** Where it listens. */
  readonly address: string
  /** Lets requests finish, flushes, closes the stores. Safe to call again. */
  stop(): Promise<void>
}

function addressOf(app: FastifyInstance): string {
  const { address, port, family } = app.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/**
 * Serves on, not ready and keeping no connection, until a balancer has seen it: what is on its way to a listener that
 * closes is lost. Then waits for requests under way, not for connections: one that is idle, or has yet to send a request, may be cut
 * without anybody losing an answer.
 */
async function drainAndClose({ app, inFlight }: App, services: Services, limitMs: number): Promise<void> {
  services.beginStopping()
  const { drainMs } = services.config
  if (drainMs > 0) await pause(drainMs, new AbortController().signal)
  const closing = app.close()
  const drained = await within(
    inFlight.none().then(() => true),
    limitMs,
  )
  if (drained === undefined) services.logger.warn('Requests were cut off: they took too long to finish')
  app.server.closeAllConnections()
  await closing
  await services.close()
}

/** Throws what the stores or the listener throw; nothing is left open then. */
export async function startServer(config: Config, logger: Logger, overrides: ServiceOverrides = {}): Promise<RunningServer> {
  const services = await openServices(config, logger, overrides)
  let opened: App | undefined
  try {
    opened = await createApp(services)
    await opened.app.listen({ host: config.host, port: config.port, listenTextResolver: (address) => `Listening at ${address}` })
  } catch (fault) {
    await opened?.app.close()
    await services.close()
    throw fault
  }
  services.webhook.start()
  let stopped: Promise<void> | undefined
  const running = opened
  return {
    app: running.app,
    services,
    address: addressOf(running.app),
    stop: () => {
      stopped ??= drainAndClose(running, services, overrides.drainLimitMs ?? drainLimitMs)
      return stopped
    },
  }
}
