/** A message by the driver alone, over a connection that does nothing else: what telling another node takes at least. */
import pg from 'pg'
import { createClient } from 'redis'
import type { Place } from '../stores/services.ts'

export interface Messages {
  send(): Promise<unknown>
  /** Calls `run` at each message of any node. */
  listen(run: () => void): Promise<unknown>
}

const channel = 'bench'

async function overRedis(url: string): Promise<Messages> {
  const client = await createClient({ url }).connect()
  const listening = await client.duplicate().connect()
  // A server that is stopped at the end of a run must not end the process with an error that nobody listens to.
  for (const each of [client, listening]) each.on('error', () => undefined)
  return { send: () => client.publish(channel, ''), listen: (run) => listening.subscribe(channel, run) }
}

async function overPostgres(connectionString: string): Promise<Messages> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => undefined)
  await client.connect()
  return {
    send: () => client.query(`NOTIFY ${channel}`),
    listen(run) {
      client.on('notification', run)
      return client.query(`LISTEN ${channel}`)
    },
  }
}

export function openMessages({ backend, url }: Place): Promise<Messages> {
  return backend === 'redis' ? overRedis(url) : overPostgres(url)
}
