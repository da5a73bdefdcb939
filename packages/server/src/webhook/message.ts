/** An event as a webhook carries it, signed in the way of Standard Webhooks (standardwebhooks.com, version 1). */
import { eventWire, type StoredEvent } from '../events.ts'
import { hmacSha256 } from '../random.ts'

export interface Message {
  /** The same at each repetition, and of no other event: by it a receiver tells that it has it already. */
  readonly id: string
  readonly body: string
}

export function messageOf(event: StoredEvent): Message {
  const data = eventWire(event)
  return {
    // A dot would end it in what is signed.
    id: `evt_${event.hash.replace('.', '_')}`,
    body: JSON.stringify({ type: data.kind, timestamp: data.at, data }),
  }
}

/** A signature for each secret, so that a receiver may learn a new one before the old one goes. `at`: seconds since 1970. */
export function headersOf({ id, body }: Message, at: number, secrets: readonly Buffer[]): Readonly<Record<string, string>> {
  const signatures = secrets.map((secret) => `v1,${hmacSha256(secret, `${id}.${at}.${body}`).toString('base64')}`)
  return {
    'content-type': 'application/json',
    'user-agent': 'Holdfast-Webhook',
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': signatures.join(' '),
  }
}
