/**
 * One node of two. It serves `GET /me` and `POST /login`, ends sessions when asked, and tells when it saw one end.
 * Argument: place as JSON. Instants are of the system's clock, which both nodes share.
 */
import type { AddressInfo } from 'node:net'
import { serveWith } from '../http/servers/node.ts'
import { tell } from '../shared/child.ts'
import { freshHoldfast } from '../shared/holdfast.ts'
import { openService, type Place } from '../stores/services.ts'
import { openMessages } from './messages.ts'

export type Question =
  | { readonly ask: 'issue' }
  /** Resolves when the token is dead here; `seen` says when. */
  | { readonly ask: 'watch'; readonly token: string }
  | { readonly ask: 'revoke'; readonly session: string }

export interface Seen {
  /** The first check here that refused it. */
  readonly refusedAt: number
  /** When its live connection was told. */
  readonly closedAt: number
  /** When a message of the driver alone was heard, sent after the acknowledgement. */
  readonly heardAt: number
}

/** Milliseconds, with the fraction that `Date.now` cuts off. */
function instant(): number {
  return performance.timeOrigin + performance.now()
}

const [place = '{}', secret = ''] = process.argv.slice(2)
const { store } = await openService(JSON.parse(place) as Place)
const messages = await openMessages(JSON.parse(place) as Place)
let onMessage = (): void => undefined
await messages.listen(() => onMessage())
const holdfast = freshHoldfast(store, secret)
const server = await serveWith(holdfast)

/** Resolves when the session was let in here and is being watched; what is seen of its end comes later. */
async function watch(token: string): Promise<{ readonly end: Promise<Seen> }> {
  const first = await holdfast.verify(token)
  if (first.status !== 'live') throw new Error(`the session to watch is ${JSON.stringify(first)}`)
  const closed = new Promise<number>((resolve) => {
    holdfast.attach(first.session, () => resolve(instant()))
  })
  const heard = new Promise<number>((resolve) => {
    onMessage = () => resolve(instant())
  })
  const refused = new Promise<number>((resolve) => {
    const look = async (): Promise<void> => {
      const { status } = await holdfast.verify(token)
      if (status === 'dead') resolve(instant())
      else setImmediate(look)
    }
    void look()
  })
  const all = Promise.all([refused, closed, heard])
  return { end: all.then(([refusedAt, closedAt, heardAt]) => ({ refusedAt, closedAt, heardAt })) }
}

process.on('message', async (question: Question) => {
  if (question.ask === 'issue') {
    const { token, session } = await holdfast.issue({ subject: 'watched' })
    tell({ token, session: session.id })
  } else if (question.ask === 'revoke') {
    await holdfast.revoke({ session: question.session })
    const acknowledgedAt = instant()
    await messages.send()
    tell(acknowledgedAt)
  } else {
    const { end } = await watch(question.token)
    tell('watching')
    tell(await end)
  }
})
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => process.exit(0))
tell((server.address() as AddressInfo).port)
