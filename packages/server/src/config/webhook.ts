/** Settings of the webhook: where events go, how they are signed, and which. */
import { type EventKind, eventKinds } from 'holdfast'
import { bad, good, isLoopback, list, type Parser } from './parse.ts'

export interface WebhookSetting {
  readonly url: string
  /** The newest first; each signs. */
  readonly secrets: readonly Buffer[]
  readonly events: ReadonlySet<string>
}

/** An address of the operator's choosing: any https URL, also one inside. */
export const webhookUrl: Parser<URL> = (given) => {
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol)) return bad('must be a URL such as https://hooks.example.com/holdfast')
  if (url.username !== '' || url.password !== '') return bad('must hold no credentials: the signature says who sends')
  if (url.hash !== '') return bad('must have no fragment')
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return bad('must use https unless the host is loopback')
  return good(url)
}

const secretPattern = /^whsec_([A-Za-z0-9+/]+={0,2})$/
const [leastBytes, mostBytes] = [24, 64]

/** As Standard Webhooks spells them. */
const webhookSecret: Parser<Buffer> = (given) => {
  const bytes = Buffer.from(secretPattern.exec(given)?.[1] ?? '', 'base64')
  const isInRange = bytes.length >= leastBytes && bytes.length <= mostBytes
  return isInRange ? good(bytes) : bad(`must be whsec_ and ${leastBytes} to ${mostBytes} random bytes in base64`)
}

export const webhookSecrets: Parser<readonly Buffer[]> = (given) => list(given, webhookSecret)

const everyKind = Object.keys(eventKinds) as EventKind[]

function kindsOf(entry: string): readonly EventKind[] {
  return entry.endsWith('_*')
    ? everyKind.filter((kind) => kind.startsWith(entry.slice(0, -1)))
    : everyKind.filter((kind) => kind === entry)
}

export const webhookEvents: Parser<ReadonlySet<string>> = (given) => {
  const parsed = list(given, (entry) => {
    const kinds = kindsOf(entry)
    return kinds.length > 0 ? good(kinds) : bad('is neither a kind of event nor the first word of one and _*')
  })
  return parsed.ok ? good(new Set(parsed.value.flat())) : parsed
}

export const everyEvent: ReadonlySet<string> = new Set(everyKind)
