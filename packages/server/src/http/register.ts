/** Puts the table of routes on the app: guards, validation, the handler, and 405 for every other method of a path. */
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import { isOauth, type Method, noAccount, type Route } from '../routes/route.ts'
import type { Services } from '../services.ts'
import { callerOf, guardsFor } from './access.ts'
import { checked } from './body.ts'
import { handedOver } from './endings.ts'
import { installFormParser } from './form.ts'
import { answerOauthFault } from './oauth-errors.ts'
import { answerFault, sendProblem } from './problems.ts'

function validated(route: Route, request: FastifyRequest): { body: unknown; query: unknown; params: unknown } {
  return {
    params: route.params === undefined ? undefined : checked(route.params, request.params, request),
    query: route.query === undefined ? undefined : checked(route.query, request.query, request),
    body: route.body === undefined ? undefined : checked(route.body, request.body ?? undefined, request),
  }
}

function registerRoute(app: FastifyInstance, route: Route, services: Services): void {
  app.route({
    method: route.method,
    url: route.path,
    preHandler: guardsFor(route.access, services),
    errorHandler: isOauth(route.access) ? answerOauthFault : answerFault,
    async handler(request, reply) {
      const input = validated(route, request)
      const answer = await route.handle({
        ...input,
        request,
        reply,
        services,
        get account() {
          return callerOf(request) ?? noAccount()
        },
      })
      // A stream has taken the connection over.
      if (reply.sent) {
        handedOver(request)
        return reply
      }
      return reply
        .headers(route.headers ?? {})
        .code(route.status)
        .send(route.status === 204 ? undefined : answer)
    },
  })
}

const allMethods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function registerOtherMethods(app: FastifyInstance, path: string, taken: readonly Method[]): void {
  const allow = [...taken, ...(taken.includes('GET') ? ['HEAD'] : [])].join(', ')
  app.route({
    method: allMethods.filter((method) => !taken.some((name) => name === method)),
    url: path,
    // Before the body is read: it does not matter what it is.
    onRequest: (_request, reply) => void sendProblem(reply, 'method-not-allowed', { allow }),
    handler: () => undefined,
  })
}

export function registerRoutes(app: FastifyInstance, routes: readonly Route[], services: Services): void {
  const methodsByPath = new Map<string, Method[]>()
  app.register((scope, _options, done) => {
    installFormParser(scope)
    for (const route of routes.filter(({ access }) => isOauth(access))) registerRoute(scope, route, services)
    done()
  })
  for (const route of routes) {
    if (!isOauth(route.access)) registerRoute(app, route, services)
    methodsByPath.set(route.path, [...(methodsByPath.get(route.path) ?? []), route.method])
  }
  for (const [path, methods] of methodsByPath) registerOtherMethods(app, path, methods)
}
