import { describe } from 'vitest'
import { createWorld, type Served, signIn, type World } from '../http/app.ts'
import { httpSuite, type Target } from '../http/suite.ts'
import { servers } from './servers.ts'
import { adapterSuite } from './suite.ts'

async function targetOf(serve: (world: World) => Promise<Served>): Promise<Target> {
  const world = createWorld()
  const served = await serve(world)
  return {
    url: served.url,
    basePath: '/auth',
    guarded: '/me',
    signIn,
    change: { method: 'POST', path: '/change', json: {} },
    changes: world.changes,
    failStore: world.failStore,
    failWrites: world.failWrites,
    advance: (ms) => world.clock.advance(ms),
    async close() {
      await served.close()
      world.failStore(false)
      await world.holdfast.close()
    },
  }
}

describe.each(Object.entries(servers))('%s', (_name, serve) => {
  describe('as any server', () => httpSuite(() => targetOf(serve)))
  describe('as an adapter', () => adapterSuite(serve))
})
