/** Probes, and the description of every route. */
import { HoldfastError } from 'holdfast'
import { z } from 'zod'
import { type Route, route } from './route.ts'

/** A well-formed session id that no session has: asking for it reads the store. */
const nobody = 'A'.repeat(24)
const answer = z.object({ status: z.literal('ok') })

export const healthRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process is up',
    access: 'anyone',
    status: 200,
    answer,
    handle: () => ({ status: 'ok' }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    summary: 'Whether requests can be served: the stores answer and the server is not stopping',
    access: 'anyone',
    status: 200,
    answer,
    problems: ['store-unavailable'],
    async handle({ services }) {
      if (services.isStopping()) throw new HoldfastError('store-unavailable', { detail: 'The server is stopping', retryAfter: 5 })
      await services.holdfast.get(nobody)
      await services.accounts.hasAdministrator()
      return { status: 'ok' }
    },
  }),
]
