/** Reads a stream of server-sent events over real HTTP. */
import assert from 'node:assert/strict'
import type { Client } from './client.ts'

export interface Received {
  readonly id: string | undefined
  readonly event: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is checked by the tests' assertions.
  readonly data: any
}

export interface Reader {
  readonly status: number
  /** The next event; undefined when the stream has ended. */
  next(): Promise<Received | undefined>
  close(): void
}

function parsed(block: string): Received | undefined {
  const fields = block.split('\n').map((line) => /^(id|event|data): (.*)$/.exec(line))
  const field = (name: string) => fields.find((match) => match?.[1] === name)?.[2]
  const data = field('data')
  return data === undefined ? undefined : { id: field('id'), event: field('event'), data: JSON.parse(data) }
}

export async function openEvents(client: Client, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reader> {
  const stopped = new AbortController()
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const response = await fetch(client.base + path, {
    headers: { cookie, accept: 'text/event-stream', ...headers },
    signal: stopped.signal,
  })
  if (response.status === 200) assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<Received | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end !== -1) {
        const event = parsed(text.slice(0, end))
        text = text.slice(end + 2)
        if (event !== undefined) return event
        continue
      }
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) return undefined
      text += chunk.value
    }
  }
  return { status: response.status, next, close: () => stopped.abort() }
}
