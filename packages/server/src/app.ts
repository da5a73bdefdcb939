/** The HTTP application: hooks in their order, then the routes. */
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { holdfastFastify } from 'holdfast/adapters/fastify'
import { installBodyParser, longestBody } from './http/body.ts'
import { answerClientError } from './http/client-error.ts'
import { installEndings } from './http/endings.ts'
import { installHeaders } from './http/headers.ts'
import { type InFlight, trackInFlight } from './http/in-flight.ts'
import { answerFault, installProblems } from './http/problems.ts'
import { registerRoutes } from './http/register.ts'
import { refuseRepeated } from './http/repeated.ts'
import { installRequestLog } from './http/request-log.ts'
import { installRequestMetrics } from './http/request-metrics.ts'
import { randomText } from './random.ts'
import { routes } from './routes/index.ts'
import type { Services } from './services.ts'

const requestTimeoutMs = 30_000

export interface App {
  readonly app: FastifyInstance
  readonly inFlight: InFlight
}

export async function createApp(services: Services): Promise<App> {
  const { config, logger } = services
  const app = Fastify({
    loggerInstance: logger,
    // Its own lines hold whole URLs; ours are in http/request-log.ts.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: longestBody,
    requestTimeout: requestTimeoutMs,
    // Made here: one from the client could be chosen to mislead a reader of the log.
    genReqId: () => randomText(9),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (fault, request, reply) => void answerFault(fault, request, reply),
    clientErrorHandler: answerClientError,
  }) as unknown as FastifyInstance
  const whenEnded = installEndings(app)
  const inFlight = trackInFlight(app, whenEnded)
  installHeaders(app, config.url?.protocol === 'https:', services.isStopping)
  installRequestLog(whenEnded)
  installRequestMetrics(app, services.metrics, whenEnded)
  installBodyParser(app)
  installProblems(app)
  refuseRepeated(app)
  await app.register(holdfastFastify(services.holdfast))
  registerRoutes(app, routes, services)
  return { app, inFlight }
}
