/** The OpenAPI 3.1 document, written from the table of routes and its schemas. */
import { type ProblemCode, problems } from 'holdfast'
import { z } from 'zod'
import { oauthErrors } from './http/oauth-errors.ts'
import { type Access, isOauth, type Route } from './routes/route.ts'
import { oauthErrorShape, problemShape } from './routes/shapes.ts'

type Json = Readonly<Record<string, unknown>>

const bySession = [{ session: [] }, { bearer: [] }]
const byKey = [{ client: [] }, { apiKey: [] }]

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
  client: [],
  introspector: [],
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
  client: 'For OAuth clients: public ones, and those that authenticate by an API key, whose id is their client_id.',
  introspector: 'Needs an API key with the scope introspect.',
  'administrator-fresh': 'Needs the session of an administrator who signed in or reauthenticated within ten minutes.',
  monitor: 'Needs the session of an administrator, or an API key of one with the scope `metrics`.',
}

/** How a caller may authenticate: each entry is enough by itself, and an empty one is nothing at all. */
const accessSecurity: Readonly<Record<Access, readonly object[]>> = {
  anyone: [],
  subject: bySession,
  'subject-fresh': bySession,
  administrator: bySession,
  'administrator-fresh': bySession,
  monitor: [...bySession, { apiKey: [] }],
  client: [{}, ...byKey],
  introspector: byKey,
}

/** Statuses of the errors of an OAuth endpoint, and their codes. */
function oauthErrorAnswers({ access, problems: own = [] }: Route): Json {
  const codes = Object.entries(oauthErrors).filter(([code]) => access === 'introspector' || code !== 'insufficient_scope')
  const byStatus = new Map<number, string[]>()
  const also = own.map((code) => [code, problems[code as ProblemCode].status] as const)
  for (const [code, status] of [...codes, ...also]) byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/OauthError' } } }
  return Object.fromEntries([...byStatus].map(([status, names]) => [status, { description: names.join(', '), content }]))
}

function problemAnswers(route: Route): Json {
  const takesInput = route.body !== undefined || route.query !== undefined || route.params !== undefined
  const codes = new Set([
    ...(takesInput ? ['invalid-request'] : []),
    ...(route.body === undefined ? [] : ['payload-too-large', 'unsupported-media-type']),
    ...accessProblems[route.access],
    // Whatever is asked: no credential may travel in the open.
    'insecure-transport',
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

/** Method and path as one name: `deleteAuthKeysById`. */
function operationIdOf({ method, path }: Route): string {
  const words = path.replace(/:(\w)/g, 'by-$1').match(/[a-z0-9]+/gi) ?? []
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function operationOf(route: Route): Json {
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')]
  const type = isOauth(route.access) ? 'application/x-www-form-urlencoded' : 'application/json'
  const answers = { ...(route.answer === undefined ? {} : { 'application/json': route.answer }), ...route.otherAnswers }
  const contents = Object.entries(answers).map(([type, schema]) => [type, { schema: schemaOf(schema) }])
  const content = contents.length === 0 ? {} : { content: Object.fromEntries(contents) }
  return {
    operationId: operationIdOf(route),
    summary: route.summary,
    description: accessNotes[route.access],
    security: accessSecurity[route.access],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: { [type]: { schema: schemaOf(route.body) } },
          },
        }),
    responses: {
      [route.status]: { description: route.status === 204 ? 'Done' : 'The answer', ...content },
      ...(isOauth(route.access) ? oauthErrorAnswers(route) : problemAnswers(route)),
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
    info: {
      title: 'Holdfast',
      version: '1',
      description: 'Sign-in, sessions and their administration.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document is' }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemShape), OauthError: schemaOf(oauthErrorShape) },
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-Http-session',
          description: 'With X-CSRF-Token on unsafe methods.',
        },
        bearer: { type: 'http', scheme: 'bearer', description: 'The access token of a session, or its own secret.' },
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key.' },
        client: {
          type: 'http',
          scheme: 'basic',
          description: 'The id of an API key as client_id, and the key. Also in the form.',
        },
      },
    },
  }
}
