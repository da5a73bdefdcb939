/** The OpenAPI 3.1 document, written from the table of routes and its schemas. */
import { problems } from 'holdfast'
import { z } from 'zod'
import type { Access, Route } from './routes/route.ts'
import { problemShape } from './routes/shapes.ts'

type Json = Readonly<Record<string, unknown>>

function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}

const accessProblems: Readonly<Record<Access, readonly string[]>> = {
  anyone: [],
  subject: ['session-required', 'session-expired', 'session-revoked', 'session-evicted', 'csrf-failed'],
  'subject-fresh': [
    'session-required',
    'session-expired',
    'session-revoked',
    'session-evicted',
    'csrf-failed',
    'step-up-required',
  ],
  administrator: ['session-required', 'session-expired', 'session-revoked', 'session-evicted', 'csrf-failed', 'forbidden'],
  'administrator-fresh': [
    'session-required',
    'session-expired',
    'session-revoked',
    'session-evicted',
    'csrf-failed',
    'forbidden',
    'step-up-required',
  ],
  monitor: [
    'session-required',
    'session-expired',
    'session-revoked',
    'session-evicted',
    'api-key-required',
    'forbidden',
    'rate-limited',
  ],
}

const accessNotes: Readonly<Record<Access, string>> = {
  anyone: 'Open to anyone.',
  subject: 'Needs a session.',
  'subject-fresh': 'Needs a session of someone who signed in or reauthenticated within ten minutes.',
  administrator: 'Needs the session of an administrator.',
  'administrator-fresh': 'Needs the session of an administrator who signed in or reauthenticated within ten minutes.',
  monitor: 'Needs the session of an administrator, or an API key of one with the scope `metrics`.',
}

function problemAnswers(route: Route): Json {
  const takesInput = route.body !== undefined || route.query !== undefined || route.params !== undefined
  const codes = new Set([
    ...(takesInput ? ['invalid-request'] : []),
    ...(route.body === undefined ? [] : ['payload-too-large', 'unsupported-media-type']),
    ...accessProblems[route.access],
    ...(route.problems ?? []),
    'store-unavailable',
  ])
  const byStatus = new Map<number, string[]>()
  for (const [code, { status }] of Object.entries(problems)) {
    if (codes.has(code)) byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries([...byStatus].map(([status, names]) => [status, { description: names.join(', '), content }]))
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema) as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }))
}

function operationOf(route: Route): Json {
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')]
  const answers = { ...(route.answer === undefined ? {} : { 'application/json': route.answer }), ...route.otherAnswers }
  const contents = Object.entries(answers).map(([type, schema]) => [type, { schema: schemaOf(schema) }])
  const content = contents.length === 0 ? {} : { content: Object.fromEntries(contents) }
  return {
    summary: route.summary,
    description: accessNotes[route.access],
    ...(route.access === 'anyone' ? {} : { security: [{ session: [] }, { bearer: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: { 'application/json': { schema: schemaOf(route.body) } },
          },
        }),
    responses: {
      [route.status]: { description: route.status === 204 ? 'Done' : 'The answer', ...content },
      ...problemAnswers(route),
    },
  }
}

export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version: '1', description: 'Sign-in, sessions and their administration.' },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemShape) },
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-Http-session',
          description: 'With X-CSRF-Token on unsafe methods.',
        },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  }
}
