// Type-checked against the packed library, with only the types of Node beside it.
import { createServer } from 'node:http'
import { ConfigurationError, createHoldfast, HoldfastError, type Session, type Verdict } from 'holdfast'
import { holdfastNode, requireSession } from 'holdfast/adapters/node'
import { holdfastWeb } from 'holdfast/adapters/web'
import { memoryStore } from 'holdfast/store/memory'
import { sqliteStore } from 'holdfast/store/sqlite'
import { fakeClock } from 'holdfast/testing'

interface Profile {
  readonly [name: string]: string
  readonly role: 'admin' | 'user'
}

const embedded: boolean = process.env.EMBEDDED === '1'
const holdfast = createHoldfast<Profile>({
  secret: process.env.HOLDFAST_SECRET ?? '',
  store: embedded ? sqliteStore('holdfast.db') : memoryStore(),
  limits: { signedIn: { idle: '30m', absolute: '12h' } },
  sessionsPerSubject: { max: 5, whenFull: 'evict-oldest' },
  clock: fakeClock(),
})

function roleOf(verdict: Verdict<Profile>): 'admin' | 'user' | 'none' | number {
  switch (verdict.status) {
    case 'live':
      return verdict.session.attributes.role
    case 'dead':
      return 'none'
    case 'unknown':
      return verdict.retryAfter
  }
}

const { session, token } = await holdfast.issue({ subject: 'alice', attributes: { role: 'admin' } })
const shown: Session<Profile> = session
roleOf(await holdfast.verify(token, { ip: '192.0.2.1' }, { fresh: true }))
// @ts-expect-error A verdict is not a yes: "cannot tell" must not read as signed in.
const signedIn: boolean = await holdfast.verify(token)

const protect = holdfastNode(holdfast)
const guard = requireSession({ freshness: '5m' })
createServer((request, response) => protect(request, response, () => guard(request, response, () => response.end(shown.id))))

export const fetchHandler = holdfastWeb(holdfast)((_request, held) => Response.json({ subject: held.subject, signedIn }))

export function codeOf(error: unknown): string {
  if (error instanceof HoldfastError) return error.code
  return error instanceof ConfigurationError ? error.problems.map(({ field }) => field).join() : 'none'
}
