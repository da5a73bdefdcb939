/** better-auth `getSession` on Hono, with `node:sqlite` as its database. */
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { Hono } from 'hono'
import { peer } from '../../shared/peer.ts'
import { serve } from './hono.ts'
import { type Listening, refusal, subjectIn } from './server.ts'

interface Auth {
  readonly api: {
    signUpEmail(input: { body: object; headers: Headers; asResponse: true }): Promise<Response>
    getSession(input: { headers: Headers }): Promise<{ readonly user: { readonly name: string } } | null>
  }
}

interface BetterAuth {
  readonly betterAuth: (options: object) => Auth
}

interface Migration {
  readonly getMigrations: (options: object) => Promise<{ runMigrations(): Promise<void> }>
}

async function start(folder: string, cookieCache: object): Promise<Listening> {
  const { betterAuth } = await peer<BetterAuth>('better-auth')
  const { getMigrations } = await peer<Migration>('better-auth/db/migration')
  const database = new DatabaseSync(`${folder}/better-auth-${randomBytes(4).toString('hex')}.db`)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  const options = {
    baseURL: 'http://127.0.0.1',
    secret: randomBytes(32).toString('hex'),
    database,
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    session: { cookieCache },
    emailAndPassword: {
      enabled: true,
      // Only sessions are measured: 500 sign-ups need not wait for a real password hash.
      password: { hash: async () => 'none', verify: async () => true },
    },
  }
  await (await getMigrations(options)).runMigrations()
  const auth = betterAuth(options)
  const app = new Hono()
  app.get('/me', async (c) => {
    const found = await auth.api.getSession({ headers: c.req.raw.headers })
    return found === null ? c.json(refusal, 401) : c.json({ subject: found.user.name })
  })
  app.post('/login', (c) => {
    const name = subjectIn(c.req.url)
    const body = { name, email: `${name}@example.com`, password: 'correct horse battery staple' }
    return auth.api.signUpEmail({ body, headers: c.req.raw.headers, asResponse: true })
  })
  return serve(app)
}

export function withoutCache(folder: string): Promise<Listening> {
  return start(folder, { enabled: false })
}

export function withCache(folder: string): Promise<Listening> {
  return start(folder, { enabled: true, maxAge: 3600 })
}
