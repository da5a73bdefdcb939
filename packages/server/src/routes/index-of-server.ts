/** What somebody finds who opens the printed address: what this is, and where to go on. Asks no store, tells no version. */
import { z } from 'zod'
import { type Route, route } from './route.ts'

const places = {
  setup: '/auth/setup',
  login: '/auth/login',
  session: '/auth/session',
  description: '/openapi.json',
  health: '/healthz',
  ready: '/readyz',
} as const

export const indexRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/',
    summary: 'What this is, and where to go on',
    access: 'anyone',
    status: 200,
    answer: z.object({ name: z.literal('Holdfast'), about: z.string(), places: z.record(z.string(), z.string()) }),
    handle: () => ({ name: 'Holdfast', about: 'A session server: no pages, an interface over HTTP.', places }),
  }),
]
