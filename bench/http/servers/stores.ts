/** The same routes with the sessions in Redis or PostgreSQL. The place of the server is in the folder of the run. */
import { readFile } from 'node:fs/promises'
import { createClient } from 'redis'
import { forgetfulHoldfast, freshHoldfast } from '../../shared/holdfast.ts'
import { peer } from '../../shared/peer.ts'
import { type Backend, openService, type Place } from '../../stores/services.ts'
import { serveWith as serveExpress, serveWithSession } from './express.ts'
import { bare, serveWith as serveNode } from './node.ts'
import type { Listening, StartServer } from './server.ts'

async function placeOf(folder: string, backend: Backend): Promise<Place> {
  return JSON.parse(await readFile(`${folder}/${backend}.json`, 'utf8')) as Place
}

function remembering(backend: Backend): StartServer {
  return async (folder) => serveNode(freshHoldfast((await openService(await placeOf(folder, backend))).store))
}

function asking(backend: Backend): StartServer {
  return async (folder) => serveExpress(forgetfulHoldfast((await openService(await placeOf(folder, backend))).store))
}

/** No session asked for: the driver's connection, over which some were stored, beside a bare server. What any session kept there costs. */
function beside(backend: Backend): StartServer {
  return async (folder) => {
    const holdfast = freshHoldfast((await openService(await placeOf(folder, backend))).store)
    for (let at = 0; at < 500; at += 1) await holdfast.issue({ subject: `beside-${at}` })
    return bare()
  }
}

export const besideRedis: StartServer = beside('redis')
export const besidePostgres: StartServer = beside('postgres')
export const redis: StartServer = remembering('redis')
export const postgres: StartServer = remembering('postgres')
export const redisUncached: StartServer = asking('redis')
export const postgresUncached: StartServer = asking('postgres')

interface ConnectRedis {
  readonly RedisStore: new (options: { readonly client: unknown }) => object
}

/** express-session on the same server, with the store that its documentation advises. */
export async function connectRedis(folder: string): Promise<Listening> {
  const { RedisStore } = await peer<ConnectRedis>('connect-redis')
  const { url } = await placeOf(folder, 'redis')
  const client = await createClient({ url }).connect()
  return serveWithSession({ store: new RedisStore({ client }) })
}
