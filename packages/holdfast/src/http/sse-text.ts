/** The text of server-sent events (HTML, "Server-sent events"). What could start another field or event is refused. */
import { invalidField } from '../engine/errors.ts'
import { streamEvents } from '../shared/live.ts'
import type { JsonValue } from '../store/store.ts'

export interface StreamEvent {
  /** Default `message`. 1 to 64 characters without line breaks; the names of Holdfast's own events are taken. */
  readonly event?: string
  /** Text is sent as it is, line by line; anything else as JSON. */
  readonly data: JsonValue
  /** Where a client that lost the connection goes on: 1 to 128 visible ASCII characters, of the app's own choice. */
  readonly id?: string
}

const lineBreaks = /\r\n|\r|\n/
/** CR and LF end a field; NUL ends an id, and has no business in a name. */
const eventName = /^[^\r\n\0]{1,64}$/
const reserved: readonly string[] = Object.values(streamEvents)

/** Throws `invalid-request` for a name that is not one, or is Holdfast's own. */
export function checkEventName(name: string): string {
  if (typeof name !== 'string' || !eventName.test(name)) {
    throw invalidField('event', 'must be 1 to 64 characters without line breaks')
  }
  if (reserved.includes(name)) throw invalidField('event', `must not be ${reserved.join(' or ')}`)
  return name
}

/** One event. The name and the id are checked already; data may hold anything. */
export function eventText(data: JsonValue, event?: string, id?: string): string {
  let text = event === undefined ? '' : `event: ${event}\n`
  if (id !== undefined) text += `id: ${id}\n`
  // One field a line: a line break of whatever kind cannot begin a field of its own.
  for (const line of typeof data === 'string' ? data.split(lineBreaks) : [JSON.stringify(data)]) text += `data: ${line}\n`
  return `${text}\n`
}

/** A comment: keeps proxies from giving the connection up, and raises nothing in the client. */
export const heartbeatText = ':\n\n'

/** Reconnections are spread over two seconds, so that a restarted server is not asked by all at once. */
export function openingText(sequence: number): string {
  return `retry: ${2000 + ((sequence * 397) % 2000)}\n\n`
}
