import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reset } from '../../src/http/sink-node.ts'

async function accepted(listen: { port: number; host: string } | { path: string }): Promise<[Socket, () => Promise<void>]> {
  const server = createServer()
  server.listen(listen)
  await once(server, 'listening')
  const address = server.address()
  const client = typeof address === 'string' ? connect(address) : connect(address?.port ?? 0, '127.0.0.1')
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  return [
    socket,
    async () => {
      client.destroy()
      server.close()
      await once(server, 'close')
    },
  ]
}

describe('the reset of a connection', () => {
  it('ends TCP and UNIX sockets alike, the latter without a reset', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-reset-'))
    try {
      for (const listen of [{ port: 0, host: '127.0.0.1' }, { path: join(folder, 'socket') }]) {
        const [socket, close] = await accepted(listen)
        reset(socket)
        expect(socket.destroyed).toBe(true)
        await close()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
